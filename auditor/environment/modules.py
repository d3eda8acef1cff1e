"""Maps imported modules to the installed distributions that provide them, by the lists of files that installers leave."""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

_INFO = re.compile(r"(?P<name>.+?)(?:-[^-]+)?(?:-py[0-9.]+)?\.(?:dist|egg)-info\Z")
_RECORD_LIMIT = 64 << 20


def distributions_of(modules: Collection[str], folders: Iterable[str]) -> frozenset[str]:
    """The distributions (PEP 503 names) in ``folders`` that provide ``modules``, given as ``a`` or ``a.b``.

    A module that several distributions share (a namespace such as ``google``) belongs to those that hold the part that was
    imported. Modules of the standard library and of the project itself belong to none.
    """
    by_top: dict[str, set[str]] = defaultdict(set)
    for name in modules:
        if top := name.partition(".")[0]:
            by_top[top].add(name)
    for name in sys.stdlib_module_names & by_top.keys():
        del by_top[name]
    # 1. Most modules are called like their distribution: the long lists of the large ones need not be read.
    installed = list(_installed(folders)) if by_top else []
    alike = {top: top.lower().replace("_", "-") for top in by_top}
    found = set(alike.values()) & {name for name, _ in installed}
    for top in [top for top, name in alike.items() if name in found]:
        del by_top[top]
    # 2. The others are looked up.
    owners: dict[str, list[tuple[str, Path]]] = defaultdict(list)
    for distribution, info in installed if by_top else []:
        if distribution not in found:
            for top in _provided(info, distribution, by_top):
                owners[top].append((distribution, info))
    for top, candidates in owners.items():
        several = len({name for name, _ in candidates}) > 1
        found |= {name for name, info in candidates if not several or _holds_part(info, by_top[top])}
    return frozenset(found)


def _installed(folders: Iterable[str]) -> Iterable[tuple[str, Path]]:
    for folder in dict.fromkeys(folders):
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208  (names only)
        except OSError:
            continue
        for name in names:
            if match := _INFO.match(name):
                yield re.sub(r"[-_.]+", "-", match["name"]).lower(), Path(folder, name)


def _provided(info: Path, distribution: str, wanted: Collection[str]) -> list[str]:
    """Those of the ``wanted`` top-level modules that a distribution holds: by its files, else by its word or its name."""
    if record := _read(info / "RECORD"):
        lines = b"\n" + record
        return [top for top in wanted if any(b"\n" + top.encode() + end in lines for end in (b"/", b"."))]
    listed = _read(info / "top_level.txt").decode(errors="replace").split() or [distribution.replace("-", "_")]
    return [top for top in wanted if top in listed]


def _holds_part(info: Path, modules: Collection[str]) -> bool:
    record = _read(info / "RECORD")
    if not record:
        return True
    parts = [name.replace(".", "/").encode() for name in modules if "." in name]
    return not parts or any(re.search(rb'^"?' + re.escape(part) + rb"[/.]", record, re.MULTILINE) for part in parts)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_RECORD_LIMIT)
    except OSError:
        return b""
