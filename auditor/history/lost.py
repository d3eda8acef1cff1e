"""Grades runs that stores named before and no longer do: they are not forgotten, they failed to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auditor.evidence.change import Remark
from auditor.evidence.past import Past
from auditor.history.beside import LOST, asked
from auditor.history.examine import Graded
from auditor.history.found import Version
from auditor.history.record import Judged, Record
from auditor.model.report import RunReport
from auditor.policy.judge import verdict_of
from auditor.policy.load import LoadedPolicy


def grade_lost(
    record: Record, audit: int, runs: Iterable[str], policy: LoadedPolicy
) -> Iterator[tuple[Judged | None, Graded]]:
    """Write down that ``runs`` are lost, with what was last known of each."""
    for run in dict.fromkeys(runs):
        former = record.latest(run)
        if former is None or former.state == "lost":
            continue
        yield from record.append(audit, [_lost(record, former, policy)])


def _lost(record: Record, former: Judged, policy: LoadedPolicy) -> Graded:
    places = record.places(former.digest)
    last = places[-1] if places else Version(store="", path=former.manifest, mark="")
    names = ", ".join(f"{place.path} in {place.store}" for place in places[:3])
    words = f"the manifest {former.digest[:19]}... was found before ({names}) and is in none of the stores any more"
    (result,) = asked(policy.policy, Past(lost=(Remark(message=words, file=former.manifest),)), LOST)
    report = RunReport(
        manifest=former.manifest,
        digest=former.digest,
        identity="canonical" if former.identity == "canonical" else "bytes",
        id=former.id,
        results=(result,),
    )
    return Graded(
        version=last,
        state="lost",
        report=report,
        then=former.then,
        today=verdict_of([result], policy.policy.gates.history),
        then_policy=former.rules,
        facts=former.facts,
    )
