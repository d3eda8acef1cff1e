"""A remark on one line of a file, as forges show it beside the line."""

from __future__ import annotations

from typing import Literal

import msgspec

Level = Literal["notice", "warning", "failure"]


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """One finding where it stands. ``line`` counts from 1; ``path`` is relative to the repository root."""

    path: str
    line: int
    level: Level
    title: str
    message: str
