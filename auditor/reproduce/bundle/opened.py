"""Reads an evidence bundle as what it is: input of somebody who may want another verdict.

1. The folder holds ``bundle.json`` and ``files``, and there nothing but regular files that are named by a digest; their
   number and sizes are bounded before a byte is read.
2. ``bundle.json`` is bounded, strict JSON and has the form of its schema.
3. It is bound to what is judged here, in every part.
4. A file's bytes are copied out of the folder and hashed on the way; they count only under the name that they hash to.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import msgspec

from auditor.errors import UndecidableError, UnreadableError
from auditor.manifest.reader import read
from auditor.manifest.shown import shown
from auditor.manifest.validate import violations
from auditor.model.words import Tier
from auditor.reproduce.bundle.nouns import FILES, INDEX, MOST_BYTES, MOST_FILES, Binding, Bundle, Executed, Job, Variation

_NAME = re.compile(r"[0-9a-f]{64}")
_LARGEST_INDEX = 16 << 20
_BLOCK = 1 << 20
_WAY_OUT = "make the evidence anew: auditor reproduce --change --evidence-out DIR"


class Opened:
    """A bundle that is well-formed and bound to what is judged. ``room`` takes the copies of its files."""

    def __init__(self, folder: Path, bundle: Bundle, sizes: dict[str, int], room: Path) -> None:
        self._folder = folder
        self._bundle = bundle
        self._sizes = sizes
        self.room = room
        self._copied: dict[str, Path] = {}

    @property
    def count(self) -> int:
        """How many executions it tells of."""
        return sum(not e.reason for run in self._bundle.runs for e in run.reproductions)

    def find(self, digest: str, name: str, tier: Tier, commit: str, variation: Variation) -> Executed:
        """The execution of one reproduction of the manifest ``digest``.

        Raises:
            UndecidableError: there is none; with the reason that stands in its place, if one does.
        """
        same = self._told(digest, name, tier, commit)
        exact = [e for e in same if e.reason is None and (e.variation or Variation()) == variation]
        if len(exact) > 1:
            raise UndecidableError(f"the evidence tells of {name!r} twice, so neither counts")
        if exact:
            return exact[0]
        reason = next((e.reason for e in same if e.reason), None)
        if reason is not None:
            raise UndecidableError(f"it was not executed where the evidence was made: {reason}")
        what = "no such execution" if same else "no execution"
        raise UndecidableError(f"the evidence holds {what} of {name!r}", hint=_WAY_OUT)

    def variations(self, digest: str, name: str, tier: Tier, commit: str) -> list[Variation]:
        """What the executions of one reproduction changed, one for each that was made."""
        return [e.variation or Variation() for e in self._told(digest, name, tier, commit) if e.reason is None]

    def _told(self, digest: str, name: str, tier: Tier, commit: str) -> list[Executed]:
        told = [e for run in self._bundle.runs if run.digest == digest for e in run.reproductions]
        return [e for e in told if (e.name, e.tier, e.commit) == (name, tier, commit)]

    def file(self, digest: str) -> Path:
        """A copy of the file with this digest.

        Raises:
            UndecidableError: it is not there, or is not what its name says.
        """
        if digest not in self._copied:
            self._copied[digest] = self._copy(digest.removeprefix("sha256:"))
        return self._copied[digest]

    def _copy(self, name: str) -> Path:
        if name not in self._sizes:
            raise UndecidableError(f"the evidence lacks the file {name[:12]}…", hint=_WAY_OUT)
        target = self.room / name
        state, size = hashlib.sha256(), 0
        try:
            with _regular(self._folder / FILES / name) as handle, target.open("xb") as into:
                while block := os.read(handle, _BLOCK):
                    size += len(block)
                    if size > self._sizes[name]:
                        raise UndecidableError("a file of the evidence grew while it was read")
                    state.update(block)
                    into.write(block)
        except OSError as error:
            raise UndecidableError(f"a file of the evidence cannot be read: {error.strerror}") from None
        if state.hexdigest() != name:
            raise UndecidableError(f"a file of the evidence is not what its name says: {name[:12]}…", hint=_WAY_OUT)
        return target


def open_bundle(folder: Path, binding: Binding, room: Path) -> Opened:
    """The bundle in ``folder``, which must be bound to ``binding``.

    Raises:
        UndecidableError: there is none, it is malformed, too large, or evidence for something else.
    """
    try:
        sizes = _sizes(folder)
        with _regular(folder / INDEX) as handle:
            if os.fstat(handle).st_size > _LARGEST_INDEX:
                raise UndecidableError(f"{INDEX} is larger than {_LARGEST_INDEX >> 20} MiB")
            raw = os.read(handle, _LARGEST_INDEX + 1)
    except OSError as error:
        raise UndecidableError(f"there is no evidence in {folder}: {error.strerror}", hint=_WAY_OUT) from None
    bundle = _parse(raw)
    _hold(bundle, binding)
    named = {o.digest.removeprefix("sha256:") for e in _executions(bundle) for o in e.outputs}
    named |= {e.seedings.removeprefix("sha256:") for e in _executions(bundle) if e.seedings}
    if strange := sorted(set(sizes) - named):
        raise UndecidableError(f"the evidence holds a file that it does not speak of: {strange[0][:12]}…")
    return Opened(folder, bundle, sizes, room)


def _sizes(folder: Path) -> dict[str, int]:
    """The sizes of the files, by name; nothing else may lie there."""
    _only_folder(folder)
    _only_folder(folder / FILES)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name not in {INDEX, FILES}:
                raise UndecidableError(f"the evidence holds {shown(entry.name)}, which is no part of a bundle")
    sizes: dict[str, int] = {}
    total = 0
    with os.scandir(folder / FILES) as entries:
        for entry in entries:
            if len(sizes) == MOST_FILES:
                raise UndecidableError(f"the evidence holds more than {MOST_FILES} files")
            status = entry.stat(follow_symlinks=False)
            if not _NAME.fullmatch(entry.name) or not stat.S_ISREG(status.st_mode):
                raise UndecidableError(f"the evidence holds {shown(entry.name)}, which is no file named by its digest")
            sizes[entry.name] = status.st_size
            total += status.st_size
            if total > MOST_BYTES:
                raise UndecidableError(f"the evidence is larger than {MOST_BYTES >> 20} MiB")
    return sizes


def _only_folder(folder: Path) -> None:
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise UndecidableError(f"{folder.name} is no folder, so it is no evidence")


@contextmanager
def _regular(path: Path) -> Iterator[int]:
    """A descriptor of a regular file: no link is followed, no pipe waited for."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UndecidableError(f"{path.name} is not a regular file, so it is no evidence")
        yield handle
    finally:
        os.close(handle)


def _parse(raw: bytes) -> Bundle:
    try:
        value = read(raw, source=INDEX).value
    except UnreadableError as error:
        raise UndecidableError(f"the evidence cannot be read: {error}") from None
    if found := violations(value, "evidence"):
        raise UndecidableError(f"the evidence has not the form of a bundle: {found[0].pointer or '/'}: {found[0].message}")
    try:
        bundle = msgspec.convert(value, Bundle)
    except msgspec.ValidationError as error:
        raise UndecidableError(f"the evidence has not the form of a bundle: {error}") from None
    for executed in _executions(bundle):
        paths = [output.path for output in executed.outputs] + [gone.path for gone in executed.absent]
        if any(PurePosixPath(path).as_posix() != path for path in paths):
            raise UndecidableError(f"the evidence of {shown(executed.name)} names an output in an odd way")
        if len(set(paths)) != len(paths) or any(_above(path) & set(paths) for path in paths):
            raise UndecidableError(f"the evidence of {shown(executed.name)} names an output twice")
    return bundle


def _above(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts))}


def _executions(bundle: Bundle) -> Iterator[Executed]:
    return (executed for run in bundle.runs for executed in run.reproductions)


def _hold(bundle: Bundle, binding: Binding) -> None:
    """Refuse evidence for anything but what is judged here."""
    for name in ("repository", "head", "base", "policy", "run", "challenge"):
        told, known = getattr(bundle, name), getattr(binding, name)
        if told != known:
            raise UndecidableError(
                f"the evidence is bound to another {name}: {_plain(told)}, judged is {_plain(known)}", hint=_WAY_OUT
            )


def _plain(value: object) -> str:
    match value:
        case Job(id=run, attempt=attempt):
            return f"{shown(run)}, attempt {shown(attempt)}"
        case None:
            return "none"
        case _:
            return shown(value)
