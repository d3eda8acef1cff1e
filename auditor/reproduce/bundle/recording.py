"""Writes an evidence bundle: beside its place first, under its name only when it is whole."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from auditor.errors import UndecidableError, UsageError
from auditor.model.run import Reproduction
from auditor.reproduce.bundle.nouns import (
    FILES,
    INDEX,
    MOST_BYTES,
    MOST_FILES,
    SCHEMA,
    Absent,
    Binding,
    Bundle,
    Executed,
    Output,
    RunEvidence,
    Tool,
    Variation,
    Words,
)
from auditor.reproduce.expected import expected_of, outputs_of
from auditor.reproduce.request import Request

if TYPE_CHECKING:
    from auditor.reproduce.attempt import Attempt, Bench

_BLOCK = 1 << 20
_WORDS = 4096
_REASON = 2000


class Recording:
    """A bundle that is being written; as a context manager it leaves a whole bundle, or nothing.

    ``version`` is the auditor's.
    """

    def __init__(self, folder: Path, binding: Binding, *, version: str) -> None:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise UsageError(f"{folder} is there already", hint="name a folder that does not exist: evidence is never mixed")
        self._folder = folder
        self._binding = binding
        self._version = version
        self._entries: dict[tuple[str, str], list[Executed]] = {}
        self._sizes: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self._folder.absolute().parent.mkdir(parents=True, exist_ok=True)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.absolute().parent))
            (self._partial / FILES).mkdir()
        except OSError as error:
            raise UsageError(f"{self._folder} cannot be written: {error.strerror}") from None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def keep(self, bench: Bench, attempt: Attempt) -> None:
        """Take over what ``attempt`` left.

        Raises:
            UndecidableError: it is more than a bundle may hold, or cannot be read.
        """
        execution = attempt.execution
        outputs, absent = self._outputs(bench, attempt)
        executor = bench.executor()
        started = attempt.started or dt.datetime.now(tz=dt.UTC)
        notes = attempt.ledger
        self._add(
            bench.request,
            Executed(
                name=bench.reproduction.name,
                tier=bench.reproduction.tier,
                commit=bench.request.commit,
                argv=attempt.argv,
                isolation=bench.isolation,
                environment=bench.environment,
                executor=executor.class_ if executor else "",
                features=executor.features if executor else {},
                started=_when(started),
                finished=_when(started + dt.timedelta(seconds=execution.seconds)),
                seconds=execution.seconds,
                exit=execution.exit,
                timed_out=execution.timed_out,
                variation=attempt.variation if attempt.variation != Variation() else None,
                outputs=tuple(outputs),
                absent=tuple(absent),
                seedings=self._copy(notes)[0] if _is_file(notes) else None,
                words=None
                if execution.succeeded
                else Words(stdout=execution.stdout_tail[-_WORDS:], stderr=execution.stderr_tail[-_WORDS:]),
            ),
        )

    def explain(self, request: Request, reproduction: Reproduction, reason: str) -> None:
        """Say why ``reproduction`` was not executed, unless it was."""
        known = self._entries.get((request.manifest, request.digest or ""), [])
        if not any(e.name == reproduction.name and e.commit == request.commit for e in known):
            self._add(
                request,
                Executed(name=reproduction.name, tier=reproduction.tier, commit=request.commit, reason=reason[:_REASON]),
            )

    def _add(self, request: Request, executed: Executed) -> None:
        self._entries.setdefault((request.manifest, request.digest or ""), []).append(executed)

    def _outputs(self, bench: Bench, attempt: Attempt) -> tuple[list[Output], list[Absent]]:
        run, reproduction = bench.run_record, bench.reproduction
        outputs: list[Output] = []
        absent: list[Absent] = []
        for path in sorted({*expected_of(run, reproduction).known, *outputs_of(run, reproduction)}):
            made = attempt.made(path)
            if made.path is None:
                absent.append(Absent(path=path, reason=(made.reason or "")[:_REASON], refused=made.refused))
                continue
            if not made.path.is_dir():
                outputs.append(self._output(path, made.path))
                continue
            inside = sorted(made.path.rglob("*"))
            if not all(_is_plain(child) for child in inside):
                reason = f"{path} holds links, special files or names that are not text"
                absent.append(Absent(path=path, reason=reason, refused=True))
                continue
            files = [child for child in inside if not child.is_dir()]
            outputs += [self._output(f"{path}/{child.relative_to(made.path).as_posix()}", child) for child in files]
        return outputs, absent

    def _output(self, path: str, place: Path) -> Output:
        digest, size = self._copy(place)
        return Output(path=path, digest=digest, size=size)

    def _copy(self, place: Path) -> tuple[str, int]:
        """Digest and size of a file, which is in the bundle afterwards."""
        with tempfile.NamedTemporaryFile(dir=self._partial, delete=False) as into:
            state, size = hashlib.sha256(), 0
            for block in _blocks(place):
                state.update(block)
                size += len(block)
                if size + sum(self._sizes.values()) > MOST_BYTES:
                    raise UndecidableError(f"the outputs are larger than evidence may be ({MOST_BYTES >> 20} MiB)")
                into.write(block)
        name = state.hexdigest()
        if name not in self._sizes:
            if len(self._sizes) == MOST_FILES:
                raise UndecidableError(f"there are more outputs than evidence may hold ({MOST_FILES} files)")
            self._sizes[name] = size
            Path(into.name).chmod(0o644)
            Path(into.name).rename(self._partial / FILES / name)
        else:
            Path(into.name).unlink()
        return f"sha256:{name}", size

    def _finish(self) -> None:
        runs = tuple(
            RunEvidence(manifest=manifest, digest=digest, reproductions=tuple(entries))
            for (manifest, digest), entries in sorted(self._entries.items())
        )
        whole = Bundle(schema=SCHEMA, tool=Tool(version=self._version), runs=runs, **msgspec.structs.asdict(self._binding))
        # What a failed copy left behind is no part of it.
        for stray in self._partial.iterdir():
            if stray.name != FILES:
                stray.unlink()
        (self._partial / INDEX).write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n")
        self._partial.chmod(0o755)
        try:
            self._partial.rename(self._folder)
        except OSError as error:
            raise UsageError(f"{self._folder} cannot be written: {error.strerror}") from None


def _blocks(place: Path) -> Iterator[bytes]:
    """The bytes of a file that the command wrote: the file itself, nothing that it is a link to."""
    try:
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            while block := stream.read(_BLOCK):
                yield block
    except OSError as error:
        raise UndecidableError(f"an output cannot be read: {error.strerror}") from None


def _is_plain(place: Path) -> bool:
    """Whether JSON can name a file or folder, and a bundle hold it."""
    kind = stat.S_IFMT(place.lstat().st_mode)
    return kind in {stat.S_IFREG, stat.S_IFDIR} and not any("\ud800" <= sign <= "\udfff" for sign in str(place))


def _is_file(place: Path) -> bool:
    try:
        return stat.S_ISREG(place.lstat().st_mode)
    except OSError:
        return False


def _when(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
