"""Reads notebooks for the order in which their cells were run. No cell is executed."""

from __future__ import annotations

import json
from dataclasses import dataclass

from auditor.evidence.unanswered import Inconclusive

_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """The cell (from 1, code cells and others counted) at which a notebook was not run from top to bottom, and how."""

    cell: int
    message: str


def disorder(content: bytes) -> list[Disorder]:
    """Where the code cells were not run once, in order, without a gap; empty for a notebook without any execution.

    Raises:
        Inconclusive: it is no notebook.
    """
    if len(content) > _LIMIT:
        raise Inconclusive(f"it has more than {_LIMIT} bytes")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Inconclusive("it is no JSON") from None
    cells = value.get("cells") if isinstance(value, dict) else None
    if not isinstance(cells, list):
        raise Inconclusive("it has no cells")
    ran = [(place, cell.get("execution_count")) for place, cell in enumerate(cells, start=1) if _is_code(cell)]
    counts = [(place, count) for place, count in ran if isinstance(count, int)]
    if not counts:
        return []
    found = [(place, f"cell {place} was never run") for place, count in ran if not isinstance(count, int)]
    before = 0
    for place, count in counts:
        if count <= before:
            found.append((place, f"cell {place} was run as number {count}, after a later cell"))
        elif count > before + 1:
            found.append((place, f"cell {place} was run as number {count}; what ran just before it stands nowhere"))
        before = max(before, count)
    return [Disorder(cell=place, message=message) for place, message in sorted(found)]


def _is_code(cell: object) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return False
    source = cell.get("source")
    text = "".join(str(part) for part in source) if isinstance(source, list) else str(source or "")
    return bool(text.strip())
