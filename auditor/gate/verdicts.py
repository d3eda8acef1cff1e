"""Which verdicts on record count for a deployment, and whether the ledger itself can be relied on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.errors import BrokenLedgerError
from auditor.evidence.change import Remark
from auditor.gate.place import Place
from auditor.ledger.branch import last_pushed
from auditor.ledger.entry import Entry, Kind
from auditor.model.words import EvidenceLevel, Verdict
from auditor.policy.approvals import Standing
from auditor.policy.load import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The verdicts about one manifest. ``counting`` is the newest one that counts, ``why`` says why none does.

    ``established`` holds the best level that a counting, open verdict gave each claim.
    """

    counting: Entry | None
    why: str | None
    established: Mapping[str, EvidenceLevel] = field(default_factory=dict)

    @property
    def verdict(self) -> str | None:
        """What the newest verdict that counts says."""
        return None if self.counting is None else str(self.counting.body.get("verdict"))


def record(place: Place, standing: Standing, manifest: str) -> Record:
    """The verdicts of judges about the manifest with this digest, under the policy in force, and young enough.

    Without judges nobody's word but this gate's own counts, and nothing of the past is relied on.
    """
    if not place.policy.trust.judges:
        return Record(counting=None, why="the policy names no judges")
    why = "no verdict about this run is on record"
    counting: list[Entry] = []
    for entry in place.ledger.entries(Kind.VERDICT, manifest):
        fault = _fault(place, standing, entry)
        if fault is None:
            counting.append(entry)
        else:
            why = f"the verdict of {entry.written[:10]} (entry {entry.sequence}) {fault}"
    levels: dict[str, EvidenceLevel] = {}
    for entry in counting:
        given = entry.body.get("levels")
        if entry.body.get("verdict") == Verdict.OPEN and isinstance(given, dict):
            for claim, level in given.items():
                levels[claim] = max(levels.get(claim, EvidenceLevel.DECLARED), EvidenceLevel(level))
    return Record(counting=counting[-1] if counting else None, why=None if counting else why, established=levels)


def _fault(place: Place, standing: Standing, entry: Entry) -> str | None:
    """Why a verdict does not count, in words; None when it does."""
    why = standing.fault(entry, "judges", expiring=False)
    if why is not None:
        return why
    if entry.body.get("advisory") is not False:
        return "is advisory"
    used = entry.body.get("policy")
    if not isinstance(used, dict) or used.get("digest") != {"sha256": place.loaded.digest.removeprefix("sha256:")}:
        return "was given under another policy"
    age = place.policy.gates.deploy.max_verdict_age
    if age is not None and standing.now - entry.when > dt.timedelta(seconds=duration(age)):
        return f"is older than {age}"
    return None


def faults(place: Place, standing: Standing) -> tuple[tuple[Remark, ...], str | None]:
    """What is wrong with the ledger itself, and why it may not be all there is."""
    trust = place.policy.trust
    trusted = standing.people.keyids(("owners", "judges")) if trust.owners or trust.judges else None
    try:
        pushed = last_pushed(place.repository)  # a copy that whoever cuts off this one does not hold
    except BrokenLedgerError as error:
        return (Remark(message=error.message),), None
    verified = place.ledger.verify(trusted=trusted, pushed=pushed)
    broken = (Remark(message=f"{place.ledger.name}: {verified.broken}"),) if verified.broken is not None else ()
    return broken, _stale(verified.checkpoint, place.policy.kept.max_age, standing.now)


def _stale(checkpoint: Entry | None, age: str | None, now: dt.datetime) -> str | None:
    if age is None:
        return None
    if checkpoint is None:
        return f"the ledger has no checkpoint that counts, and the policy asks for one that is at most {age} old"
    if now - checkpoint.when > dt.timedelta(seconds=duration(age)):
        return f"the newest checkpoint of the ledger is of {checkpoint.written[:19]}Z, older than {age}"
    return None
