"""What both halves of the gauntlet share. They are two modules so that two workers can play them side by side."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

from harness import Stable


@pytest.fixture(scope="session")
def stable(tmp_path_factory, shell):
    """The projects that cases start from, each made once."""
    return Stable(tmp_path_factory.mktemp("stable"), shell)
