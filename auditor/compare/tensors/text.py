"""How text of any length becomes elements of one size, so that tables of words are compared like numbers, exactly."""

from __future__ import annotations

import hashlib
from typing import Final

SIZE: Final = 64
"""Bytes per element."""
MISSING: Final = b"\0\0missing".ljust(SIZE, b"\0")
"""The element of a missing value; no text has it."""

_SHOWN: Final = 31


def packed(text: bytes) -> bytes:
    """``SIZE`` bytes that no other text has: short text itself, of longer text its beginning and a digest.

    Short text never holds a NUL before its end; all others do, followed by a digest (blake2b, 128 bits, in hexadecimal).
    """
    if len(text) <= SIZE and b"\0" not in text:
        return text.ljust(SIZE, b"\0")
    digest = hashlib.blake2b(text, digest_size=16).hexdigest().encode()
    shown = text[:_SHOWN].replace(b"\0", b" ")
    return shown.ljust(_SHOWN, b" ") + b"\0" + digest
