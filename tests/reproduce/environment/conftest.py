from __future__ import annotations

import sys
from pathlib import Path

import pytest
from packages import Index

from auditor.model.words import Isolation
from auditor.reproduce.environment.base import find_base
from auditor.reproduce.sandbox import pick


@pytest.fixture
def index(tmp_path):
    root = tmp_path / "simple"
    root.mkdir()
    return Index(root)


@pytest.fixture
def base():
    return find_base(None, Path(sys.executable))


@pytest.fixture
def box():
    picked = pick([Isolation.BWRAP], allow_none=False)
    assert picked.sandbox is not None, picked.reason
    return picked.sandbox
