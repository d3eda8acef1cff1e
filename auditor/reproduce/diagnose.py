"""Says in words why a re-executed command failed, and what usually helps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.model.run import Run
from auditor.model.words import Agreement
from auditor.reproduce.sandbox import Execution

_WIDTH = 300
_NO_FILE = re.compile(
    r"(?:No such file or directory|FileNotFoundError|not found|does not exist)[^\n'\"]*['\"]([^'\"\n]+)['\"]"
)
_NO_MODULE = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named ['\"]([^'\"\n]+)['\"]")
_NETWORK = re.compile(
    r"Name or service not known|Temporary failure in name resolution|Network is unreachable|Connection refused"
    r"|No route to host|gaierror|Max retries exceeded|ENETUNREACH|Could not resolve host|OfflineModeIsEnabled|offline mode"
)
_NOT_WRITABLE = re.compile(r"(?:PermissionError|Permission denied|Read-only file system)[^\n'\"]*(?:['\"]([^'\"\n]+)['\"])?")
_NO_PROGRAM = re.compile(
    r"(?:execvp|failed to execute) ([^:\n]+): (?:No such file or directory|Permission denied)"
    r"|(?:exec|executable file):? [\"`]([^\"`\n]+)[\"`]:? (?:not found|no such file|stat )"
)
_NO_LIBRARY = re.compile(r"(?:ImportError|OSError): (lib[^:\n]+): cannot open shared object file")
_MEMORY = re.compile(r"MemoryError|Cannot allocate memory|std::bad_alloc|Unable to allocate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """``agreement`` is diverged where the record is to blame, inconclusive where this machine may be."""

    agreement: Agreement
    note: str


def diagnose(execution: Execution, run: Run, *, work: Path, repository: Path) -> Diagnosis:
    """Why ``execution``, which did not succeed, ended as it did."""
    if execution.timed_out:
        return _unsure(f"the command was still running after {execution.seconds:.0f} s and was ended")
    if execution.ended_for is not None:
        return _unsure(f"{execution.ended_for} and was ended; use a larger machine, or a smaller --smoke")
    words = execution.stderr_tail + "\n" + execution.stdout_tail
    for pattern, explain in _EXPLANATIONS:
        found = pattern.search(words)
        if found:
            place = _Place(work=work, repository=repository, run=run)
            return explain(next((group for group in found.groups() if group), ""), place)
    if execution.exit < 0 or execution.exit in {134, 137, 139}:
        number = -execution.exit if execution.exit < 0 else execution.exit - 128
        return _unsure(f"the command was killed by signal {number}: {_last(words)}")
    return _wrong(f"the command ended with status {execution.exit}, the record says it succeeded: {_last(words)}")


def readable(text: str) -> str:
    """``text`` on one line without control characters, shortened: fit for a report."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    plain = re.sub(r" +", " ", plain).strip()
    return plain if len(plain) <= _WIDTH else f"{plain[: _WIDTH - 1]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    work: Path
    repository: Path
    run: Run

    def relative(self, path: str) -> str:
        for root in (self.work, self.repository):
            if Path(path).is_absolute() and Path(path).is_relative_to(root):
                return Path(path).relative_to(root).as_posix()
        return path


def _file(path: str, place: _Place) -> Diagnosis:
    name = readable(place.relative(path))
    label = re.sub(r"\W+", "-", Path(name).stem).strip("-") or "extra"
    here = place.repository / name
    known = ", though it lies in the working tree: it is neither committed nor declared" if here.exists() else ""
    return _wrong(
        f"the command needs {name}, which the recorded commit and the declared inputs do not hold{known}; "
        f"commit it, or record the run again with --data {label}={name}"
    )


def _module(name: str, place: _Place) -> Diagnosis:
    name = readable(name)
    first = name.split(".")[0]
    for root in (place.repository, place.repository / "src"):
        if (root / f"{first}.py").is_file() or (root / first).is_dir():
            return _wrong(
                f"the command imports {name}, which lies in the working tree but not in the recorded commit; commit it"
            )
    version = (place.run.environment.packages if place.run.environment else {}).get(first.replace("_", "-"))
    wanted = f"{first}=={version}" if version else first
    return _unsure(f"the module {name} is not installed here; install the recorded environment ({wanted})")


def _network(_: str, __: _Place) -> Diagnosis:
    return _wrong(
        "the command tried to reach the network, which a reproduction does not have; "
        "download once, and record what was downloaded with --data NAME=PATH"
    )


def _not_writable(path: str, place: _Place) -> Diagnosis:
    target = f" ({readable(place.relative(path))})" if path else ""
    return _wrong(
        f"the command was denied access to a file{target}; it may write its own folder, HOME and TMPDIR, and read its inputs"
    )


def _program(name: str, _: _Place) -> Diagnosis:
    return _unsure(f"the program {readable(name)} does not exist here; install what the run was started with")


def _library(name: str, _: _Place) -> Diagnosis:
    return _unsure(f"the shared library {readable(name)} is missing here; install the recorded environment")


def _memory(_: str, __: _Place) -> Diagnosis:
    return _unsure("the command ran out of memory here; use a larger machine, or a smaller --smoke")


_EXPLANATIONS: tuple[tuple[re.Pattern[str], Callable[[str, _Place], Diagnosis]], ...] = (
    (_NO_PROGRAM, _program),
    (_NO_MODULE, _module),
    (_NO_LIBRARY, _library),
    (_NETWORK, _network),
    (_NO_FILE, _file),
    (_NOT_WRITABLE, _not_writable),
    (_MEMORY, _memory),
)


def _wrong(note: str) -> Diagnosis:
    return Diagnosis(agreement=Agreement.DIVERGED, note=note)


def _unsure(note: str) -> Diagnosis:
    return Diagnosis(agreement=Agreement.INCONCLUSIVE, note=note)


def _last(words: str) -> str:
    lines = [line for line in words.strip().splitlines() if line.strip()]
    return readable(lines[-1]) if lines else "it printed nothing"
