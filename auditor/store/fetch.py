"""Brings bytes from a store to this machine: hashed while they come, bounded, believed in nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import IO

from auditor.store.base import Found, StoreError

MOST_UNSAID = 1 << 30
"""Bytes that are read of an object whose size neither the manifest nor the store tells."""

_BLOCK = 8 << 20


def fetch(found: Found, folder: Path, *, size: int | None) -> tuple[Path, str, int]:
    """The bytes of ``found`` as a file in ``folder`` named by their digest, with that digest and their size.

    ``size`` is what the bytes are declared to be, in bytes; None where nobody declared it.

    Raises:
        StoreError: they cannot be read, are more than declared, or would not fit on this machine.
    """
    most = next((bound for bound in (size, found.size) if bound is not None), MOST_UNSAID)
    if found.size is not None and found.size > most:
        raise StoreError(f"store {found.store}: {found.name} has {found.size} bytes, where {most} are declared")
    if most > shutil.disk_usage(folder).free:
        raise StoreError(f"store {found.store}: {found.name} has {most} bytes, more than are free in {folder}")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
        try:
            value, length = _copied(found, part, most)
        except BaseException:
            Path(part.name).unlink()
            raise
    target = folder / value
    Path(part.name).replace(target)
    return target, f"sha256:{value}", length


def _copied(found: Found, part: IO[bytes], most: int) -> tuple[str, int]:
    state, length = hashlib.sha256(), 0
    with found.open() as stream:
        while block := stream.read(_BLOCK):
            length += len(block)
            if length > most:
                raise StoreError(f"store {found.store}: {found.name} returned more than the {most} bytes that were expected")
            state.update(block)
            part.write(block)
    return state.hexdigest(), length
