"""Puts other weights in the place of recorded ones, to see whether an evaluation looks at them at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.errors import UndecidableError
from auditor.model.run import Run
from auditor.reproduce.workspace import Workspace

_LIMIT = 2 << 30
_HEADER = 100 << 20


def put(run: Run, workspace: Workspace) -> None:
    """Show the command every ``parent-weights`` input of ``run`` with its numbers in reverse order.

    A file in which numbers cannot be moved without loading what is unsafe to load is shown empty.

    Raises:
        UndecidableError: there are no weights to look at, or they are too large.
    """
    places = [source.mount or source.path or "" for source in run.data if source.role == "parent-weights"]
    found = [(seen, place) for seen in places if (place := workspace.input(seen)) is not None]
    if not found:
        raise UndecidableError("the run declares no weights as a file that could be evaluated")
    for seen, place in found:
        if place.stat().st_size > _LIMIT:
            raise UndecidableError(f"{seen} is too large to be changed for a trial")
        change = _FORMATS.get(Path(seen).suffix.lower())
        try:
            content = change(place) if change is not None else b""
        except (ValueError, OSError, KeyError, TypeError):
            content = b""
        workspace.replace(seen, content)


def _npz(place: Path) -> bytes:
    import numpy as np  # noqa: PLC0415  (only where weights are changed)

    with np.load(place, allow_pickle=False) as archive:
        arrays = {name: _reversed(archive[name]) for name in archive.files}
    into = io.BytesIO()
    np.savez(into, **arrays)
    return into.getvalue()


def _npy(place: Path) -> bytes:
    import numpy as np  # noqa: PLC0415  (only where weights are changed)

    into = io.BytesIO()
    np.save(into, _reversed(np.load(place, allow_pickle=False)), allow_pickle=False)
    return into.getvalue()


def _reversed(array: Any) -> Any:
    """``array`` with its floating point numbers in reverse order and a tenth larger; anything else as it is."""
    if array.dtype.kind != "f":
        return array
    return (array.reshape(-1)[::-1].reshape(array.shape) * 1.1).astype(array.dtype)


def _safetensors(place: Path) -> bytes:
    content = place.read_bytes()
    length = int.from_bytes(content[:8], "little")
    if not 0 < length <= min(_HEADER, len(content) - 8):
        raise ValueError("no safetensors file")
    changed = bytearray(content)
    data = 8 + length
    for name, about in json.loads(content[8:data]).items():
        width = _WIDTHS.get(about.get("dtype")) if name != "__metadata__" else None
        if width is None:
            continue
        start, end = (data + int(offset) for offset in about["data_offsets"])
        raw = bytes(changed[start:end])
        changed[start:end] = b"".join(raw[at : at + width] for at in range(len(raw) - width, -1, -width))
    return bytes(changed)


_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_FORMATS: dict[str, Callable[[Path], bytes]] = {".npz": _npz, ".npy": _npy, ".safetensors": _safetensors}
