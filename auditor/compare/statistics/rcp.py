"""MLPerf's reference convergence points: whether a submission converges too fast to be the reference's computation.

MLCommons training policies, training_rules.adoc, "Reference Convergence Points", and ``rcp_checker.py`` of
mlcommons/logging. The reference gives at least 2N runs for N submission runs; the best and the worst runs of each side are
dropped (olympic mean), and a one-sided two-sample t-test with equal variances at p = 0.05 bounds the mean from below:
x̄ - t(.95, n1 + n2 - 2) · s · √(1/n1 + 1/n2), with n1 and n2 runs left. Slower is never wrong.

Rules and checker disagree on s. The rules' text uses the deviation of the runs that are left; the checker of 2026 that of
*all* runs, which lets 6.6 % pass where the rules let 3.5 %. Both divide by n, not n - 1. Name the one that is meant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from auditor.compare.statistics.base import Judgement, finite, mean, quantile

Definition = Literal["rules", "checker"]

_TEST: Final = "reference convergence point"
_ALPHA: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a reference allows: ``fastest`` is the smallest olympic mean (epochs or samples) that a submission may have."""

    mean: float
    sd: float
    fastest: float

    @property
    def speedup(self) -> float:
        """How much faster than the reference is allowed, as a ratio minus 1; infinite where any speed is."""
        return self.mean / self.fastest - 1 if self.fastest > 0 else math.inf


def reference_point(references: Sequence[float], submissions: int, *, definition: Definition, dropped: int = 1) -> Point:
    """The convergence point of the reference's epochs (or samples) to converge.

    Args:
        references: one figure per reference run, at least twice as many as submission runs.
        submissions: how many runs a submission has (N).
        definition: whose standard deviation is meant.
        dropped: how many runs fall at either end; 1, and 4 for unet3d.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
        ValueError: too few runs.
    """
    runs = sorted(finite(references, "the reference runs"))
    left, compared = len(runs) - 2 * dropped, submissions - 2 * dropped
    if dropped < 1 or left < 2 or compared < 1 or len(runs) < 2 * submissions:
        raise ValueError(
            f"{len(runs)} reference runs are too few for {submissions} submission runs, {dropped} dropped at each end"
        )
    kept = runs[dropped:-dropped]
    centre = mean(kept)
    varied = kept if definition == "rules" else runs
    about = mean(varied)
    sd = math.sqrt(math.fsum((run - about) ** 2 for run in varied) / len(varied))
    reach = quantile(1 - _ALPHA, left + compared - 2) * sd * math.sqrt(1 / left + 1 / compared)
    return Point(mean=centre, sd=sd, fastest=centre - reach)


def convergence(
    references: Sequence[float], submission: Sequence[float | None], *, definition: Definition, dropped: int = 1
) -> Judgement:
    """Whether a submission's runs are consistent with the reference's convergence point.

    A run that did not converge is None and counts as the slowest; more of them than ``dropped`` fail the submission.
    ``detectable`` is the gap between the reference's mean and the fastest mean allowed. The note gives the factor by which
    an allowed but faster submission is normalised: reference mean / submission mean.

    Raises:
        UndecidableError: a figure is not finite, or scipy is missing.
    """
    converged = sorted(finite([run for run in submission if run is not None], "the submission"))
    lost = len(submission) - len(converged)
    try:
        point = reference_point(references, len(submission), definition=definition, dropped=dropped)
    except ValueError as error:
        return Judgement(test=_TEST, word="inconclusive", low=-math.inf, high=math.inf, note=str(error))
    bounds = {"low": point.fastest, "high": math.inf, "detectable": point.mean - point.fastest}
    if lost > dropped:
        note = f"{lost} runs did not converge, {dropped} may"
        return Judgement(test=_TEST, word="diverged", note=note, **bounds)
    # The slowest that fall are those that did not converge, then the slowest of the others.
    got = mean(converged[dropped : len(converged) - (dropped - lost)])
    words = f"{got:.6g} against a reference of {point.mean:.6g}, at least {point.fastest:.6g} ({definition})"
    if got < point.fastest:
        return Judgement(test=_TEST, word="diverged", note=f"{words}: it converges too fast", **bounds)
    return Judgement(test=_TEST, word="consistent", note=f"{words}; normalise by {max(1.0, point.mean / got):.6g}", **bounds)
