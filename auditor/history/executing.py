"""Executes runs of the past again, one after the other in the order of a draw, until the time is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from auditor.gate.audit import Executing, Progress
from auditor.gate.refs import in_ci
from auditor.history.audit import MOST_LISTED, Place, examination
from auditor.history.examine import STATIC, Graded
from auditor.history.record import Judged, Record
from auditor.history.sampling import Draw, Method, draw, secret, upper_bound
from auditor.history.stores import opened
from auditor.model.report import RunReport
from auditor.model.words import Agreement, Outcome, Tier

_LEAST = 1.0
"""Seconds that must be left for another run to be begun."""


@dataclass(kw_only=True)
class Sampled:
    """What re-executing a sample came to. ``reports`` are those of the runs that were executed, by digest."""

    draw: Draw
    reports: dict[str, RunReport] = field(default_factory=dict)
    outcomes: dict[str, bool] = field(default_factory=dict)
    unreached: list[str] = field(default_factory=list)
    left: int = 0

    def lines(self) -> list[str]:
        """What it says about the runs that were not executed, in sentences."""
        if not self.draw.picks:
            return ["no run has a reproduction that could be executed again"]
        random, bad, bound = upper_bound(self.draw, self.outcomes)
        agreed = sum(self.outcomes.values())
        diverged, undecided = len(self.outcomes) - agreed, len(self.reports) - len(self.outcomes)
        counted = f"{agreed} agreed, {diverged} diverged, {undecided} did not decide"
        said = [f"executed again: {len(self.reports)} of {len(self.draw.picks)} runs; {counted}"]
        if bound is not None:
            said.append(
                f"{random} of them were drawn by chance alone, {bad} of these bad: with 95 % confidence at most "
                f"{100 * bound:.1f} % of all {len(self.draw.picks)} runs are bad"
            )
        if self.left:
            said.append(f"not reached in time: {self.left} runs")
            said += [f"not reached: {name}" for name in self.unreached[:20]]
        said.append(f"the draw: key {self.draw.key[7:19]}, seed {self.draw.seed[7:19]}")
        return said


def execute(  # noqa: PLR0913  (each is needed and named)
    place: Place, record: Record, audit: int, runs: Sequence[Judged], *, method: Method, deadline: float, progress: Progress
) -> Sampled:
    """Execute the smoke reproductions of ``runs`` by ``method`` until ``deadline`` (seconds of time.monotonic)."""
    able = [run for run in runs if run.facts.smoke and run.state == "read"]
    last = {executed.digest: executed for executed in record.executions()}
    sampled = Sampled(draw=draw(able, method, key=secret(place.folder), policy=place.policy.digest, executed=last))
    gate = place.policy.policy.gates.history
    tiers = tuple(dict.fromkeys((*STATIC, *(gate.tiers or (Tier.SMOKE,)))))
    stores = opened(str(place.root), place.policy.policy.manifests)
    names = {store.name for store in stores}
    examiner = replace(
        examination(place, stores, paranoid=False),
        executing=Executing(tiers=tiers, isolation=gate.isolation, allow_none=not in_ci(), deadline=deadline),
    )()
    by_digest = {run.digest: run for run in able}
    try:
        for pick in sampled.draw.picks:
            run = by_digest[pick.run]
            version = next((v for v in record.places(run.digest) if v.store in names), None)
            if version is None or deadline - time.monotonic() < _LEAST:
                sampled.left += 1
                sampled.unreached += [run.id or run.manifest] if len(sampled.unreached) < MOST_LISTED else []
                continue
            progress(f"executing {run.id or run.manifest} again")
            answer = examiner.grade(version)
            if isinstance(answer, Graded):
                _keep(record, audit, sampled, answer)
    finally:
        examiner.close()
    return sampled


def _keep(record: Record, audit: int, sampled: Sampled, graded: Graded) -> None:
    report = graded.report
    sampled.reports[report.digest] = report
    ran = tuple(r for r in report.reproductions if r.tier > Tier.RECOMPUTE)
    worst = max((r.agreement for r in ran), default=Agreement.NOT_EXERCISED)
    if worst.outcome is not Outcome.INCONCLUSIVE:
        sampled.outcomes[report.digest] = worst.outcome is Outcome.PASSED
    record.executed(audit, report.digest, worst, ran)
