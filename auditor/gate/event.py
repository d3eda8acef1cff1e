"""The event that a GitHub Actions job runs for, read as the input that it is: bounded, and never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.errors import UndecidableError

LIMIT = 32 << 20
"""Bytes: more than GitHub sends."""


def payload(path: Path) -> dict[str, Any]:
    """The event's payload; empty when it is JSON but no object.

    Raises:
        UndecidableError: it is missing, cut off, or too large.
    """
    try:
        if path.stat().st_size > LIMIT:
            raise UndecidableError(f"the event payload {path} is larger than any that GitHub sends")
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UndecidableError(f"the event payload {path} cannot be read: {error}") from None
    return value if isinstance(value, dict) else {}
