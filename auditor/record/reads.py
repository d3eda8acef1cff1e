"""Judges what a command was seen to read: what the record already names, what it does not, and with which bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auditor import digest
from auditor.manifest.shown import clean
from auditor.model.run import FileRef
from auditor.record.code import is_below, is_tracked_code
from auditor.record.observe import Seen
from auditor.record.prepare import Prepared

_LISTED: Final = 5_000
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """``undeclared`` were read and are neither code nor declared; ``untracked`` are those that no commit holds."""

    reads: tuple[FileRef, ...]
    undeclared: tuple[str, ...]
    untracked: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(prepared: Prepared, seen: Seen, started: int) -> Inputs:
    """What the reads mean.

    Args:
        prepared: what was declared and tracked.
        seen: what was observed.
        started: the moment before the run, in nanoseconds of the file system's clock: files changed later get no digest.
    """
    request = prepared.request
    data = [item.path for item in request.data]
    # What an earlier stage wrote is that stage's artifact; files of a submodule are identified by its commit.
    made = [*request.outputs, *prepared.written_before]
    declared = [*data, *made, *request.configs, *([request.lock] if request.lock else [])]
    readable = [path for path in seen.reads if _is_text(path) and path not in prepared.source.within]
    undeclared = tuple(p for p in readable if not is_below(p, declared) and not is_tracked_code(p, prepared.source))
    # Data that is declared is found by its digest, wherever it lies; everything else must be in the commit.
    untracked = tuple(p for p in readable if p not in prepared.source.tracked and not is_below(p, [*data, *made]))
    reads = _references(prepared, readable, started)
    return Inputs(
        reads=reads[:_LISTED],
        undeclared=undeclared,
        untracked=untracked,
        warnings=tuple(_warnings(seen, undeclared, untracked, len(reads))),
    )


def _references(prepared: Prepared, readable: list[str], started: int) -> tuple[FileRef, ...]:
    folders = [path for path, about in prepared.measured.items() if about.format == "tree"]
    configs = {file.path: file.digest for file in prepared.effective.files}
    found: dict[str, FileRef] = {}
    for path in readable:
        folder = next((f for f in folders if is_below(path, [f])), None)
        if folder is not None:
            found[folder] = FileRef(path=folder, digest=prepared.measured[folder].digest)
        elif path in prepared.measured:
            found[path] = FileRef(path=path, digest=prepared.measured[path].digest)
        elif path in configs:
            found[path] = FileRef(path=path, digest=configs[path])
        else:
            found[path] = FileRef(path=path, digest=_digest(prepared, path, started))
    return tuple(found[path] for path in sorted(found))


def _digest(prepared: Prepared, path: str, started: int) -> str | None:
    """Digest of the bytes that the command found, None when they are no longer there to be read."""
    place = prepared.root / path
    try:
        if place.stat().st_ctime_ns > started or not place.is_file():
            return None
        return digest.of_file(place)[0]
    except OSError:
        return None


def _warnings(seen: Seen, undeclared: tuple[str, ...], untracked: tuple[str, ...], count: int) -> list[str]:
    warnings = []
    if seen.overflowed:
        warnings.append("a process opened more files than can be listed: not everything that it read is known")
    if not seen.processes and seen.method != "none":
        warnings.append(
            "nothing could be observed: the command started no Python that reads PYTHONPATH (see --observe strace)"
        )
    if undeclared:
        warnings.append(f"read but not declared: {_names(undeclared)}; add --data NAME={clean(undeclared[0])}")
    if untracked:
        warnings.append(f"read but not committed, so the run counts as dirty: {_names(untracked)}")
    if odd := [path for path in seen.reads if not _is_text(path)]:
        warnings.append(f"read, but their names are not UTF-8 and stand in no manifest: {_names(tuple(odd))}")
    if count > _LISTED:
        warnings.append(f"{count} files were read; the manifest lists the first {_LISTED}: declare their folder with --data")
    return warnings


def _names(paths: tuple[str, ...]) -> str:
    listed = ", ".join(clean(path) for path in paths[:_SHOWN])
    return listed + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
