"""Executes a recorded run again and again, each time changed a little, and remembers the figures that came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from auditor import digest
from auditor.compare.tolerance import is_ignored
from auditor.diagnose.kernels import KERNELS, Rounding, rounding
from auditor.errors import UndecidableError
from auditor.model.run import Executor, Json, Reproduction
from auditor.reproduce.attempt import Attempt, Bench
from auditor.reproduce.configure import Changes, other_seeds
from auditor.reproduce.contents import figures_of
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.expected import expected_of
from auditor.reproduce.request import Request
from auditor.reproduce.rig import Live

_RATES: Final = frozenset({"learning_rate", "lr", "eta", "learning-rate", "learningrate"})
_FACTOR: Final = 1.1
_SHARD: Final = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One way to change a run. ``name`` tells people; ``changes`` is None where the run has nothing to change for it."""

    name: str
    changes: Changes | None
    kept: float | None = None


def with_seeds(run: Request, number: int) -> Change:
    """The run with other seeds; 0 is the run as recorded."""
    if number == 0:
        return Change(name="as recorded", changes=Changes())
    seeds = other_seeds(run.run, number=number)
    return Change(name=f"other seed {number}", changes=seeds or None)


def known_bad(request: Request, rates: Sequence[str] = ()) -> tuple[Change, ...]:
    """The retraining replicas that a tolerance must be able to reject: a dropped shard and a changed learning rate.

    ``rates`` are names of learning rates beside the usual ones.
    """
    effective = request.run.configuration.effective if request.run.configuration else {}
    found = dict(_rates(effective, "", _RATES | {name.lower() for name in rates}))
    changed = Changes(values={pointer: value * _FACTOR for pointer, value in found.items()})
    return (
        Change(name="a fifth of the training rows dropped", changes=Changes(), kept=_SHARD),
        Change(name="learning rate 10 % higher", changes=changed or None),
    )


def _rates(value: Json, at: str, named: frozenset[str]) -> list[tuple[str, float]]:
    if not isinstance(value, dict):
        return []
    found = []
    for key, child in value.items():
        pointer = f"{at}/{key.replace('~', '~0').replace('/', '~1')}"
        if key.lower() in named and isinstance(child, int | float) and not isinstance(child, bool):
            found.append((pointer, float(child)))
        found += _rates(child, pointer, named)
    return found


class Repeats:
    """Figures of changed executions, from memory where this machine made them before. ``folder`` is that memory."""

    def __init__(
        self, rig: Live, request: Request, reproduction: Reproduction, folder: Path, progress: Callable[[str], None]
    ) -> None:
        self._rig = rig
        self._request = replace(request, recording=None)
        self._reproduction = reproduction
        self._folder = folder
        self._progress = progress
        self._expected = expected_of(request.run, reproduction)
        self.executor: Executor | None = None
        self.executions = 0

    def figures(self, change: Change) -> Mapping[str, float]:
        """What the changed run measured.

        Raises:
            AuditorError: it cannot be executed, or did not end well.
        """
        if change.changes is None:
            raise UndecidableError(f"{change.name}: the run records nothing that could be changed for it")
        with self._rig.bench(self._request, self._reproduction) as bench:
            self.executor = self.executor or bench.executor()
            place = self._folder / f"{self._key(change)}.json"
            known = _remembered(place)
            if known is not None:
                return known
            self._progress(f"executing: {change.name}")
            attempt = bench.prepare(change.changes, kept=change.kept)
            bench.run(attempt)
            self.executions += 1
            figures = self._figures(bench, attempt, change)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(figures), encoding="utf-8")
        return figures

    def rounding(self) -> Rounding:
        """What other kernels do to weights and curves; see :func:`auditor.diagnose.kernels.rounding`."""
        self._progress("executing: as recorded, on other kernels")
        self.executions += len(KERNELS) + 1
        return rounding(self._rig, self._request, self._reproduction)

    def _figures(self, bench: Bench, attempt: Attempt, change: Change) -> dict[str, float]:
        if not attempt.execution.succeeded:
            why = diagnose(attempt.execution, bench.run_record, work=attempt.work, repository=self._request.repository.root)
            raise UndecidableError(f"{change.name}: {why.note}")
        figures, unread = figures_of(self._expected, attempt)
        if unread and not figures:
            raise UndecidableError(f"{change.name}: {unread[0].note}")
        return {name: value for name, value in figures.items() if not is_ignored(self._request.tolerances, name)}

    def _key(self, change: Change) -> str:
        changes = change.changes or Changes()
        about: dict[str, Json] = {
            "manifest": self._request.digest,
            "commit": self._request.commit,
            "reproduction": self._reproduction.name,
            "executor": self.executor.class_ if self.executor else "",
            "values": {key: str(value) for key, value in changes.values.items()},
            "arguments": {str(key): value for key, value in changes.arguments.items()},
            "variables": dict(changes.variables),
            "kept": str(change.kept),
        }
        return digest.of_value(about).removeprefix("sha256:")


def _remembered(place: Path) -> dict[str, float] | None:
    try:
        value = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fine = isinstance(value, dict) and all(isinstance(v, int | float) for v in value.values())
    return {str(name): float(figure) for name, figure in value.items()} if fine else None
