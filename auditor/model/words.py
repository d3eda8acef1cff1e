"""The vocabulary of a verdict: every word that a report, a policy or an exit code is built from.

The words are ordered where the field orders them, so that ``max`` and ``<`` mean what a reader expects.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class _Ordered(StrEnum):
    """A closed vocabulary whose members compare by their order of definition, weakest first."""

    def __init__(self, _word: str) -> None:
        self._place = len(type(self).__members__)

    @property
    def rank(self) -> int:
        """Place in the order of definition, from 0."""
        return self._place

    def __lt__(self, other: str) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= type(self)(other).rank


class Outcome(StrEnum):
    """What became of one check on one subject. There is no outcome for "skipped": a check that did not decide says why."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not-applicable"
    CRASHED = "crashed"


class Severity(_Ordered):
    """How much a failed check weighs. A gate's ``block-at`` names the lightest one that blocks."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    BLOCKER = "blocker"


class EvidenceLevel(_Ordered):
    """How a claim was established. No result reports above its evidence."""

    DECLARED = "declared"
    CONSISTENT = "consistent"
    RECOMPUTED = "recomputed"
    RE_EXECUTED = "re-executed"
    INDEPENDENT = "independent"


class Tier(_Ordered):
    """Depth of a reproduction, cheapest first."""

    DIGESTS = "digests"
    RECOMPUTE = "recompute"
    EVALUATE = "evaluate"
    SMOKE = "smoke"
    PREFIX = "prefix"
    SEGMENT = "segment"
    FULL = "full"


class Agreement(_Ordered):
    """Outcome of comparing something expected with something actual, best first."""

    BITWISE = "bitwise"
    WITHIN_TOLERANCE = "within-tolerance"
    STATISTICALLY_CONSISTENT = "statistically-consistent"
    NOT_EXERCISED = "not-exercised"
    INCONCLUSIVE = "inconclusive"
    DIVERGED = "diverged"
    REFUSED = "refused"

    @property
    def outcome(self) -> Outcome:
        """The outcome that a check reports for this agreement."""
        match self:
            case Agreement.BITWISE | Agreement.WITHIN_TOLERANCE | Agreement.STATISTICALLY_CONSISTENT:
                return Outcome.PASSED
            case Agreement.DIVERGED | Agreement.REFUSED:
                return Outcome.FAILED
            case Agreement.INCONCLUSIVE | Agreement.NOT_EXERCISED:
                return Outcome.INCONCLUSIVE


class Verdict(_Ordered):
    """What a gate says, best first; the worse of two verdicts is their ``max``."""

    OPEN = "open"
    UNDECIDED = "undecided"
    BLOCKED = "blocked"


class Isolation(StrEnum):
    """What stood between re-executed code and this machine."""

    BWRAP = "bwrap"
    CONTAINER = "container"
    NONE = "none"


class Exit(IntEnum):
    """Process exit codes. When several apply: internal, usage, blocked, undecided, empty selection, open, in that order."""

    OPEN = 0
    BLOCKED = 1
    USAGE = 2
    EMPTY_SELECTION = 3
    UNDECIDED = 4
    INTERNAL = 70
