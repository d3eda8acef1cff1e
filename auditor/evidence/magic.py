"""Tells by its first bytes whether a file is of the format that it claims to be."""

from __future__ import annotations

import json
from pathlib import Path

from auditor.compare.source import Source

_JSON_LIMIT = 16 << 20
_STARTS: dict[str, tuple[bytes, ...]] = {
    "npy": (b"\x93NUMPY",),
    "npz": (b"PK\x03\x04", b"PK\x05\x06"),
    "keras": (b"PK\x03\x04",),
    "skops": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "parquet": (b"PAR1", b"PARE"),
    "h5": (b"\x89HDF\r\n\x1a\n",),
    "hdf5": (b"\x89HDF\r\n\x1a\n",),
    "gguf": (b"GGUF",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "pdf": (b"%PDF-",),
    "gz": (b"\x1f\x8b",),
    "feather": (b"ARROW1", b"FEA1"),
}
KNOWN = frozenset({*_STARTS, "safetensors", "json"})
"""Formats, by suffix, that can be told by their bytes."""


def is_of(path: Path, form: str) -> bool:
    """Whether a file begins as one of the format ``form`` must, a member of :data:`KNOWN`; JSON is parsed.

    Raises:
        Refused: it is no regular file.
    """
    with Source(path) as source:
        if form == "json":
            return _is_json(source.read(0, source.size)) if source.size <= _JSON_LIMIT else True
        start = source.read(0, min(16, source.size))
        if form == "safetensors":
            return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") <= source.size - 8
    return start.startswith(_STARTS[form])


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True
