"""Proves a run's seeds live or dead by executing it with other ones.

1. With every injectable seed changed, a full-precision output must change: the seed is live.
2. If nothing changes and the program hands constants to its generators, one more execution moves those constants: outputs
   that follow them show that randomness matters and the recorded seed does not reach it. The seed is dead.
3. Otherwise a tenth of the training rows is taken away. Outputs that change show a computation without randomness:
   seed-free. Outputs that follow neither seed nor data are not computed at all, and the seed is dead.
4. Where the data cannot be thinned out (none are declared, say), a generator that is given the recorded seed shows that the
   seed is read by a computation which needs none: seed-free, too.

Only outputs that an unchanged repetition gives bit by bit can show anything.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from auditor.compare.formulas import kind_of
from auditor.compare.tolerance import is_ignored
from auditor.errors import AuditorError
from auditor.model.policy import Tolerances
from auditor.reproduce.contents import differences, figures_of
from auditor.reproduce.diagnose import readable
from auditor.reproduce.expected import Expected
from auditor.reproduce.liveness import Liveness
from auditor.reproduce.trial import Lab, Seeding, Trial

_Status = Literal["live", "seed-free", "dead", "not-exercised"]
_TENTH = 0.1
_STEPPED = frozenset({"accuracy", "error_rate", "balanced_accuracy", "f1", "precision", "recall", "top_k_accuracy"})
_READABLE = (".npz", ".npy", ".safetensors")
_DIGITS = re.compile(rb"\d\.\d{4,}|\de-\d")
_SAMPLE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The outputs by which executions are told apart, by label (``file:PATH`` or ``metric:NAME``).

    ``fine`` have full precision and hold nothing but results. ``coarse`` move in steps: classes, accuracies. ``opaque``
    may hold the configuration, too (a pickled model knows its seed).
    """

    fine: frozenset[str]
    coarse: frozenset[str]
    opaque: frozenset[str]

    def telling(self) -> frozenset[str]:
        """Those that cannot change unless a result does, or the best there is."""
        return self.fine | self.coarse or self.opaque


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """The experiment on one reproduction. ``first`` is the unchanged execution, ``again`` repeats it when called.

    ``exact`` are the labels of outputs that came out bit by bit as recorded: they need no second repetition.
    """

    lab: Lab
    expected: Expected
    tolerances: Tolerances
    first: Trial
    again: Callable[[], Trial]
    exact: frozenset[str]

    def conclude(self, other: Trial) -> Liveness:
        """What ``other``, executed with other seeds, shows; executes what else is needed."""
        started = time.monotonic()
        status, note = self._conclude(other)
        return Liveness(status=status, note=note, seconds=other.execution.seconds + time.monotonic() - started)

    def _conclude(self, other: Trial) -> tuple[_Status, str]:
        if not other.execution.succeeded:
            how = "was not done in time" if other.execution.timed_out else f"ended with status {other.execution.exit}"
            return "not-exercised", f"with another seed the command {how}"
        outputs = self._repeatable()
        if not outputs.telling():
            return "not-exercised", "no output is the same twice, so a change shows nothing"
        # 1. Does another seed move an output?
        moved = self._moved(other)
        before, after = self.first.seedings(), other.seedings()
        if moved & (outputs.fine | outputs.coarse):
            return "live", f"with another seed {_named(moved & (outputs.fine | outputs.coarse))} changed"
        if moved & outputs.opaque and before != after:
            return "live", f"with another seed {_named(moved & outputs.opaque)} changed, and a generator was given it"
        # A constant that cuts training from test rows defines data rather than training: it accuses no seed.
        constants = sorted(seed for seed in before & after if not seed.splits)
        status, note = self._without_seed(constants, outputs)
        # 4. Where that cannot be tried, a generator that is given the recorded seed shows at least that it is read.
        if status == "not-exercised" and (given := sorted(after - before)):
            return "seed-free", f"{given[0].call} is given the recorded seed, but no output depends on its draws; {note}"
        return status, note

    def _without_seed(self, constants: Sequence[Seeding], outputs: Outputs) -> tuple[_Status, str]:
        attempts, why = self._prepare(constants)
        # 2. Do constants in the seed's place move an output?
        if constants and attempts.shifted is not None:
            blamed = self._moved(attempts.shifted) & outputs.telling()
            if blamed and attempts.shifted.execution.succeeded:
                return "dead", _blame(constants, blamed)
        # 3. Do the data?
        return self._by_data(attempts.thinned, why, outputs)

    def _by_data(self, thinned: Trial | None, why: str, outputs: Outputs) -> tuple[_Status, str]:
        if thinned is None:
            return "not-exercised", f"with another seed nothing changed, and whether the data matter is unknown: {why}"
        if not thinned.execution.succeeded:
            return "not-exercised", "with another seed nothing changed, and with a tenth of the training rows gone it failed"
        if moved := self._moved(thinned) & (outputs.fine | outputs.coarse | outputs.opaque):
            words = "no seed moves the outputs, but the training data do"
            return "seed-free", f"seed-free, shown by data sensitivity: {words} ({_named(moved)})"
        if outputs.fine | outputs.opaque:
            return "dead", "the outputs stay the same with another seed and with a tenth of the training rows gone"
        return self._by_most_data(outputs)

    def _by_most_data(self, outputs: Outputs) -> tuple[_Status, str]:
        """Classes and accuracies may survive the loss of a tenth: take nine tenths before calling them canned."""
        try:
            starved = self.lab.prepare(kept=_TENTH)
            self.lab.run(starved)
        except AuditorError as error:
            return "not-exercised", f"with another seed nothing changed: {error.message}"
        if not starved.execution.succeeded:
            return (
                "not-exercised",
                "with another seed nothing changed, and with nine tenths of the training rows gone it failed",
            )
        if moved := self._moved(starved) & outputs.coarse:
            return "seed-free", f"seed-free, shown by data sensitivity: with few training rows {_named(moved)} changed"
        figures = figures_of(self.expected, self.first)[0]
        if all(figures.get(label.removeprefix("metric:"), 1.0) in {0.0, 1.0} for label in outputs.coarse):
            return "not-exercised", "the outputs are too coarse to show whether seed or data matter; record predictions"
        return "dead", "the outputs stay the same with another seed and with nine tenths of the training rows gone"

    def _prepare(self, constants: Sequence[Seeding]) -> tuple[_Further, str]:
        """The executions for steps 2 and 3, made at once; the second value says why there is no thinned one."""
        shifted = thinned = None
        why = ""
        try:
            if constants:
                shifted = self.lab.prepare(shifted=frozenset(seed.key for seed in constants))
            thinned = self.lab.prepare(kept=1 - _TENTH)
        except AuditorError as error:
            why = error.message
        ready = [attempt for attempt in (shifted, thinned) if attempt is not None]
        self.lab.run(*ready)
        return _Further(shifted=shifted, thinned=thinned), why

    def _repeatable(self) -> Outputs:
        """All outputs that an unchanged repetition gives again, by what they can show."""
        fine: set[str] = set()
        coarse: set[str] = set()
        opaque: set[str] = set()
        for path, artifact in self.expected.known.items():
            label = f"file:{path}"
            if artifact.role in {"metrics", "log", "plot", "trace"} or self.first.made(path).path is None:
                continue
            if path.endswith(_READABLE):
                fine.add(label)
            elif artifact.role in {"predictions", "labels"}:
                (fine if self._is_precise(path) else coarse).add(label)
            else:
                opaque.add(label)
        for name, value in figures_of(self.expected, self.first)[0].items():
            if is_ignored(self.tolerances, name) or name in self._seed_names():
                continue
            kind = kind_of(name)
            stepped = (kind is not None and kind.name in _STEPPED) or float(value).is_integer()
            (coarse if stepped else fine).add(f"metric:{name}")
        candidates = fine | coarse | opaque
        kept = candidates & self.exact or candidates - self._moved(self.again())
        return Outputs(fine=frozenset(fine & kept), coarse=frozenset(coarse & kept), opaque=frozenset(opaque & kept))

    def _is_precise(self, path: str) -> bool:
        place = self.first.made(path).path
        if place is None or not place.is_file():
            return False
        with place.open("rb") as stream:
            return _DIGITS.search(stream.read(_SAMPLE)) is not None

    def _moved(self, other: Trial) -> frozenset[str]:
        """Labels of the outputs that differ between the unchanged execution and ``other``; a written-down seed is none."""
        moved = set()
        names = self._seed_names()
        for path, artifact in self.expected.known.items():
            if artifact.role == "metrics":
                continue
            found = differences(path, artifact, self.first, other, self.tolerances)
            if any(c.of.partition("#")[2].lower() not in names for c in found):
                moved.add(f"file:{path}")
        one, two = figures_of(self.expected, self.first)[0], figures_of(self.expected, other)[0]
        moved |= {f"metric:{name}" for name in {*one, *two} if one.get(name) != two.get(name)}
        return frozenset(moved)

    def _seed_names(self) -> frozenset[str]:
        """What a program would call the seed where it writes it down beside its results."""
        randomness = self.lab.run_record.randomness
        recorded = list(randomness.seeds) if randomness else []
        return frozenset({"seed", "random_state", *(name.rpartition(".")[2].lower() for name in recorded)})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Further:
    shifted: Trial | None
    thinned: Trial | None


def _blame(constants: Sequence[Seeding], moved: frozenset[str]) -> str:
    words = ", ".join(f"{seed.seed} to {seed.call}{f' ({seed.at})' if seed.at else ''}" for seed in constants[:3])
    rest = f" and {len(constants) - 3} more" if len(constants) > 3 else ""
    return readable(f"another recorded seed changes nothing, but {_named(moved)} follows a constant: {words}{rest}")


def _named(labels: frozenset[str]) -> str:
    names = sorted(label.partition(":")[2] for label in labels)
    return readable(", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
