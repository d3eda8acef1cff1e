"""Finds out which of twelve accidental surroundings a run depends on.

1. Control, twice, with everything held fixed: a run that differs from itself here has another cause.
2. Everything varied at once. Equal: nothing that took effect matters, after three executions.
3. Halving finds the factors that change the outcome alone; where none does alone, ``ddmin`` finds those that do together.
4. Each culprit is confirmed both ways: it alone changes the outcome, and all the others without it do not.

A variation counts only when the program saw it: a locale that is not installed, or one processor, exercises nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from auditor.diagnose.factors import FACTORS, Factor
from auditor.diagnose.isolate import culprits, ddmin
from auditor.diagnose.surroundings import Outcome, Surroundings
from auditor.errors import UndecidableError
from auditor.model.comparison import Comparison
from auditor.model.words import Agreement


class Effect(StrEnum):
    """What varying a factor does to a run."""

    SAFE = "safe"
    NUMERIC = "numeric"
    SEMANTIC = "semantic"
    NOT_EXERCISED = "not-exercised"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one factor. ``differences`` are those that it causes alone (or with others: ``note`` says so)."""

    factor: Factor
    effect: Effect
    note: str
    differences: tuple[Comparison, ...] = ()

    @property
    def agreement(self) -> Agreement:
        """The effect on the ladder of agreements."""
        match self.effect:
            case Effect.SAFE:
                return Agreement.BITWISE
            case Effect.NUMERIC:
                return Agreement.WITHIN_TOLERANCE
            case Effect.SEMANTIC:
                return Agreement.DIVERGED
            case Effect.NOT_EXERCISED:
                return Agreement.NOT_EXERCISED
            case Effect.UNKNOWN:
                return Agreement.INCONCLUSIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """One finding for each factor, in their order; ``unfinished`` says what a budget left out."""

    findings: tuple[Finding, ...]
    executions: int
    note: str
    unfinished: str | None = None


@dataclass(slots=True)
class _Memory:
    """Executes each choice of factors once."""

    surroundings: Surroundings
    control: Outcome
    progress: Callable[[str], None]
    known: dict[frozenset[str], dict[str, Comparison]] = field(default_factory=dict)

    def differences(self, varied: Sequence[str]) -> dict[str, Comparison]:
        choice = frozenset(varied)
        if choice not in self.known:
            self.progress(f"varying {', '.join(sorted(choice)) or 'nothing'}")
            self.known[choice] = self.surroundings.differences(self.control, self.surroundings.execute(choice))
        return self.known[choice]

    def breaks(self, varied: Sequence[str]) -> bool:
        return bool(self.differences(varied))


def chaos(surroundings: Surroundings, progress: Callable[[str], None]) -> Chaos:
    """What varying each factor does to the run of ``surroundings``.

    Raises:
        UndecidableError: the command cannot even be run as recorded.
    """
    # 1. Control, twice.
    progress("control: everything held fixed")
    control = surroundings.execute(frozenset())
    if control.failure:
        raise UndecidableError(f"the command does not run as recorded: {control.failure}")
    again = surroundings.differences(control, surroundings.execute(frozenset()))
    if again:
        note = f"two executions differ even with all twelve factors held fixed ({', '.join(again)}): find that cause first"
        unknown = [Finding(factor=f, effect=Effect.UNKNOWN, note="the run does not repeat itself") for f in FACTORS]
        return Chaos(findings=tuple(unknown), executions=surroundings.executions, note=note)
    # 2. Everything that the record does not fix, at once.
    wanted = [factor.name for factor in FACTORS if factor.name not in surroundings.pinned]
    progress("everything varied")
    everything = surroundings.execute(frozenset(wanted))
    memory = _Memory(surroundings, control, progress)
    memory.known[frozenset(wanted)] = surroundings.differences(control, everything)
    idle = _idle(wanted, control, everything)
    exercised = [name for name in wanted if name not in idle]
    found: dict[str, Finding] = {}
    unfinished = None
    try:
        found = _isolate(exercised, memory)
    except UndecidableError as error:
        unfinished = error.message
    findings = tuple(found.get(f.name) or _otherwise(f, surroundings, idle, unfinished) for f in FACTORS)
    return Chaos(
        findings=findings,
        executions=surroundings.executions,
        note=_words(findings, surroundings.executions, unfinished),
        unfinished=unfinished,
    )


def _idle(wanted: Sequence[str], control: Outcome, everything: Outcome) -> dict[str, str]:
    """The variations that had no effect on what the program saw, each with why."""
    idle = {}
    for name in wanted:
        if name not in control.effects or name not in everything.effects:
            idle[name] = "no Python process of the command could be watched"
        elif control.effects[name] == everything.effects[name]:
            idle[name] = f"the variation did not take effect here: the program saw {control.effects[name]!r:.60} both times"
    return idle


def _isolate(exercised: Sequence[str], memory: _Memory) -> dict[str, Finding]:
    if not memory.breaks(exercised):
        return {}
    # 3. Which ones? A half that shows nothing is innocent, so what is left over at the end may be a false suspicion.
    guilty = [name for name in culprits(exercised, memory.breaks) if memory.breaks([name])]
    together: tuple[str, ...] = ()
    if not guilty:
        together = ddmin(exercised, memory.breaks)
        guilty = list(together)
    # 4. The other way round: without the culprits nothing differs any longer.
    rest = [name for name in exercised if name not in guilty]
    while rest and memory.breaks(rest):
        more = [name for name in culprits(rest, memory.breaks) if memory.breaks([name])]
        if not more:
            more = list(ddmin(rest, memory.breaks))
            together += tuple(more)
        guilty += more
        rest = [name for name in rest if name not in more]
    return _attributed(guilty, memory, together)


_ROOTS = ("memory", "addresses")
"""What nearly every variation changes by the way, for it moves what a process allocates: looked at first, in this order."""


def _attributed(guilty: Sequence[str], memory: _Memory, together: tuple[str, ...]) -> dict[str, Finding]:
    """A factor is blamed for what no root explains already."""
    found: dict[str, Finding] = {}
    explained: dict[str, str] = {}
    for name in [*(root for root in _ROOTS if root in guilty), *(name for name in guilty if name not in _ROOTS)]:
        differences = memory.differences(together if name in together else [name])
        own = {label: comparison for label, comparison in differences.items() if label not in explained}
        factor = next(factor for factor in FACTORS if factor.name == name)
        if own:
            found[name] = _guilty(factor, own, [other for other in together if other != name] if name in together else [])
        else:
            roots = ", ".join(sorted({explained[label] for label in differences}))
            words = f"changes only what {roots} changes, too, because it moves what is allocated: fix that first"
            found[name] = Finding(factor=factor, effect=Effect.UNKNOWN, note=words)
        if name in _ROOTS:
            explained |= {label: explained.get(label, name) for label in differences}
    return found


def _guilty(factor: Factor, differences: dict[str, Comparison], others: Sequence[str]) -> Finding:
    numeric = all(c.agreement <= Agreement.WITHIN_TOLERANCE for c in differences.values())
    words = f"changes {', '.join(differences)[:200]}"
    if "command" in differences:
        words = f"breaks the command: {differences['command'].note}"
    if others:
        words = f"{words}, together with {', '.join(others)}"
    effect = Effect.NUMERIC if numeric else Effect.SEMANTIC
    return Finding(factor=factor, effect=effect, note=f"{words}; {factor.cure}", differences=tuple(differences.values()))


def _otherwise(factor: Factor, surroundings: Surroundings, idle: dict[str, str], unfinished: str | None) -> Finding:
    if factor.name in surroundings.pinned:
        words = f"the manifest records {surroundings.pinned[factor.name]}: it is fixed, not accidental"
        return Finding(factor=factor, effect=Effect.NOT_EXERCISED, note=words)
    if factor.name in idle:
        return Finding(factor=factor, effect=Effect.NOT_EXERCISED, note=idle[factor.name])
    if unfinished:
        return Finding(factor=factor, effect=Effect.UNKNOWN, note=unfinished)
    return Finding(factor=factor, effect=Effect.SAFE, note="varied, and nothing changed")


def _words(findings: Sequence[Finding], executions: int, unfinished: str | None) -> str:
    named = [f.factor.name for f in findings if f.effect in {Effect.NUMERIC, Effect.SEMANTIC}]
    idle = sum(f.effect is Effect.NOT_EXERCISED for f in findings)
    words = f"depends on {', '.join(named)}" if named else "robust bit by bit: nothing that was varied changed an output"
    if unfinished and not named:
        words = f"unfinished: {unfinished}"
    return f"{words}; {executions} executions" + (f"; {idle} of 12 factors not exercised" if idle else "")
