"""What the ledger says about a run: the verdicts that count, and whether the ledger itself can be relied on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.evidence.change import Remark
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.keys import PublicKey
from auditor.ledger.ledger import Ledger
from auditor.model.policy import Policy, Trust
from auditor.model.words import EvidenceLevel, Verdict
from auditor.policy.load import LoadedPolicy, duration


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


def names_of(key: str | None, trust: Trust) -> frozenset[str]:
    """Everything that the owner of a key (OpenSSH's text) may be called in a policy; nothing for no key."""
    if key is None:
        return frozenset()
    public = PublicKey(key)
    own = {public.text, public.keyid, public.fingerprint}
    people = {trust.identities.get(name) for name in own}
    return frozenset(own | {person for person in people if isinstance(person, str)})


def is_judge(key: str | None, trust: Trust) -> bool:
    """Whether the owner of ``key`` is one of the policy's judges."""
    return bool(names_of(key, trust) & set(trust.judges))


def record(ledger: Ledger, loaded: LoadedPolicy, manifest: str, now: dt.datetime) -> Record:
    """The verdicts of judges about the manifest with this digest, under this policy, young enough at ``now``.

    Without judges nobody's word but this gate's own counts, and nothing of the past is relied on.
    """
    policy = loaded.policy
    if not policy.trust.judges:
        return Record(counting=None, why="the policy names no judges")
    age = policy.gates.deploy.max_verdict_age
    why = "no verdict about this run is on record"
    counting: list[Entry] = []
    for entry in ledger.entries(Kind.VERDICT, manifest):
        fault = _fault(entry, policy, loaded.digest)
        if fault is None and age is not None and now - entry.when > dt.timedelta(seconds=duration(age)):
            fault = f"is older than {age}"
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


def _fault(entry: Entry, policy: Policy, digest: str) -> str | None:
    """Why a verdict does not count, in words; None when it does, age aside."""
    if entry.key is None or not entry.is_signed():
        return "is not signed"
    if not is_judge(entry.key, policy.trust):
        return "is signed by nobody whom the policy calls a judge"
    if entry.body.get("advisory") is not False:
        return "is advisory"
    used = entry.body.get("policy")
    if not isinstance(used, dict) or used.get("digest") != {"sha256": digest.removeprefix("sha256:")}:
        return "was given under another policy"
    return None


def faults(ledger: Ledger, policy: Policy, now: dt.datetime) -> tuple[tuple[Remark, ...], str | None]:
    """What is wrong with the ledger itself, and why it may not be all there is."""
    verified = ledger.verify(trusted=None)
    broken = (Remark(message=f"{ledger.name}: {verified.broken}"),) if verified.broken is not None else ()
    return broken, _stale(verified.checkpoint, policy, now)


def _stale(checkpoint: Entry | None, policy: Policy, now: dt.datetime) -> str | None:
    age = getattr(policy.ledger, "max_age", None)
    if age is None:
        return None
    if checkpoint is None:
        return f"the ledger has no signed checkpoint, and the policy asks for one that is at most {age} old"
    if now - checkpoint.when > dt.timedelta(seconds=duration(age)):
        return f"the newest checkpoint of the ledger is of {checkpoint.written}, older than {age}"
    return None
