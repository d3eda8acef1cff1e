"""Executes a recorded command in chosen surroundings and keeps what came out."""

from __future__ import annotations

import json
import shutil
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from auditor.compare.tolerance import is_ignored
from auditor.diagnose.factors import FACTORS
from auditor.environment import allowed
from auditor.model.comparison import Comparison
from auditor.model.run import Artifact, Reproduction
from auditor.model.words import Agreement
from auditor.reproduce.attempt import Attempt, Bench
from auditor.reproduce.configure import Changes
from auditor.reproduce.contents import compare, figures_of
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.expected import expected_of
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live
from auditor.reproduce.workspace import Spot
from auditor.store.trees import digest_of

_INJECTOR: Final = Path(__file__).with_name("injector.py")
_NOTHING: Final = frozenset({"log", "plot", "trace"})
_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an execution came to: digests of files and figures by label, copies of the files, and what it saw.

    ``failure`` says why the command did not end well; then there is nothing else.
    """

    contents: Mapping[str, object]
    files: Mapping[str, Path]
    effects: Mapping[str, Any]
    failure: str | None = None


class Surroundings:
    """Executions of one reproduction, one after the other, always in the same place. Closing removes what they left."""

    def __init__(self, rig: Live, request: Request, reproduction: Reproduction) -> None:
        self._rig = rig
        self._request = replace(request, recording=None)
        self._reproduction = reproduction
        self._room = Path(tempfile.mkdtemp(prefix="auditor-")).resolve()
        self._room.chmod(0o755)
        self._expected = expected_of(request.run, reproduction)
        recorded = allowed(request.run.environment.variables) if request.run.environment else {}
        self.pinned = {factor.name: name for factor in FACTORS if (name := factor.pinned(recorded))}
        """Factors that the record itself fixes, each with the variable by which it does."""
        self.executions = 0

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._room, ignore_errors=True)

    def execute(self, varied: frozenset[str]) -> Outcome:
        """Run the command with the factors of ``varied`` varied, and the others held fixed.

        Raises:
            AuditorError: it cannot be run; the reason is in the message.
        """
        self.executions += 1
        here = "work" if "working-directory" not in varied else "somewhere/else/altogether"
        home = "home" if "home" not in varied else "another-home"
        with self._rig.bench(self._request, self._reproduction) as bench:
            attempt = bench.prepare(
                Changes(variables=self._variables(varied)), spot=Spot(base=self._room / "place", work=here, home=home)
            )
            self._inject(attempt, varied)
            bench.run(attempt)
            return self._outcome(bench, attempt)

    def differences(self, one: Outcome, other: Outcome) -> dict[str, Comparison]:
        """What two outcomes do not have in common, by label, each difference judged as between two machines."""
        if one.failure or other.failure:
            if one.failure == other.failure:
                return {}
            words = other.failure or one.failure
            return {"command": Comparison(of="command", agreement=Agreement.DIVERGED, note=words)}
        labels = sorted(one.contents.keys() | other.contents.keys())
        changed = [label for label in labels if one.contents.get(label) != other.contents.get(label)]
        found = {label: self._difference(label, one, other) for label in changed}
        return {label: comparison for label, comparison in found.items() if comparison.agreement is not Agreement.BITWISE}

    def _difference(self, label: str, one: Outcome, other: Outcome) -> Comparison:
        left, right = one.files.get(label), other.files.get(label)
        if left is not None and right is not None:
            path = label.partition(":")[2]
            artifact = self._expected.known.get(path) or Artifact(name=path, path=path)
            found = compare(left, right, artifact, path, self._request.tolerances, same_executor=False)
            worst = max(found, key=lambda c: c.agreement, default=None)
            if worst is not None:
                return worst
        return Comparison(
            of=label,
            agreement=Agreement.DIVERGED,
            expected=_shown(one.contents.get(label)),
            actual=_shown(other.contents.get(label)),
        )

    def _variables(self, varied: frozenset[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for factor in FACTORS:
            if factor.name not in self.pinned:
                found |= {name: values[factor.name in varied] for name, values in factor.variables.items()}
        return found

    def _inject(self, attempt: Attempt, varied: frozenset[str]) -> None:
        folder = attempt.workspace.shown / "chaos"
        folder.mkdir()
        shutil.copyfile(_INJECTOR, folder / "sitecustomize.py")
        (folder / "another.txt").touch()
        job = attempt.job
        chaos = {factor.name: int(factor.name in varied) for factor in FACTORS}
        variables = {
            **job.variables,
            "PYTHONPATH": f"{folder}:{job.variables['PYTHONPATH']}",
            "AUDITOR_CHAOS": json.dumps(chaos),
            "AUDITOR_EFFECTS": str(attempt.workspace.scratch / "effects"),
        }
        steady = () if "addresses" in varied else steady_addresses()
        attempt.job = replace(job, argv=(*steady, *job.argv), variables=variables)

    def _outcome(self, bench: Bench, attempt: Attempt) -> Outcome:
        effects = _effects(attempt.workspace.scratch / "effects")
        if not attempt.execution.succeeded:
            why = diagnose(attempt.execution, bench.run_record, work=attempt.work, repository=self._request.repository.root)
            return Outcome(contents={}, files={}, effects=effects, failure=why.note)
        contents: dict[str, object] = {}
        files: dict[str, Path] = {}
        kept = self._room / f"kept-{self.executions}"
        kept.mkdir()
        for path, artifact in self._expected.known.items():
            made = attempt.made(path).path
            if artifact.role in _NOTHING or artifact.role == "metrics":
                continue
            label = f"file:{path}"
            contents[label] = None if made is None else digest_of(made)
            if made is not None and made.is_file():
                files[label] = kept / path.replace("/", "_")
                shutil.copyfile(made, files[label])
        figures, _ = figures_of(self._expected, attempt)
        contents |= {f"metric:{n}": v for n, v in figures.items() if not is_ignored(self._request.tolerances, n)}
        return Outcome(contents=contents, files=files, effects=effects)


def steady_addresses() -> tuple[str, ...]:
    """The words before a command that keep its addresses the same; none where this machine does not allow it."""
    program = shutil.which("setarch", path="/usr/bin:/bin")
    return (program, "-R") if program is not None and _allows(program) else ()


def _allows(program: str) -> bool:
    import subprocess  # noqa: PLC0415  (asked once)

    return subprocess.run([program, "-R", "true"], check=False, capture_output=True).returncode == 0


def _effects(place: Path) -> dict[str, Any]:
    """What the first process of an execution saw; nothing where none wrote it down."""
    try:
        if not stat.S_ISREG(place.lstat().st_mode):
            return {}
        with place.open("rb") as stream:
            value = json.loads(stream.readline(_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _shown(value: object) -> str | float | None:
    return value if isinstance(value, str | float | int) else None
