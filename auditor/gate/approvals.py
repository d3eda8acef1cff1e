"""Which approvals on record count for a deployment, and why the others do not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from auditor.attestation.predicate import Approval
from auditor.evidence.change import Remark
from auditor.gate.standing import names_of
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.ledger import Ledger
from auditor.model.policy import Trust


def approvals(  # noqa: PLR0913  (what an approval is held against, each named)
    ledger: Ledger, trust: Trust, manifest: str, *, shipped: Collection[str], authors: Collection[str], now: dt.datetime
) -> tuple[tuple[Approval, ...], tuple[Remark, ...]]:
    """The approvals of the manifest with this digest that count, one a person, and what is wrong with the others.

    ``shipped`` are the digests about to ship, ``authors`` the people who made the run.
    """
    counting: dict[str, Approval] = {}
    void: list[Remark] = []
    for entry in _about(ledger, {manifest, *shipped}):
        person = _person(entry, trust)
        who = person or entry.actor
        fault = _fault(entry, person, trust, manifest, shipped=shipped, authors=authors, now=now)
        if fault is None and who in counting:
            fault = "is the second by the same person"
        if fault is None:
            counting[who] = Approval(by=who, entry=entry.digest, expires=_until(entry))
        else:
            void.append(Remark(message=f"the approval of {who} of {entry.written[:10]} (entry {entry.sequence}) {fault}"))
    return tuple(counting.values()), tuple(void)


def _about(ledger: Ledger, digests: Iterable[str]) -> list[Entry]:
    """Every approval that names one of these digests, oldest first."""
    found = {entry.sequence: entry for digest in digests for entry in ledger.entries(Kind.APPROVAL, digest)}
    return [found[sequence] for sequence in sorted(found)]


def _person(entry: Entry, trust: Trust) -> str | None:
    """Who an entry's key belongs to; None for one that the policy does not know."""
    names = names_of(entry.key, trust)
    people = sorted(name for name in trust.identities.values() if name in names)
    return people[0] if people else None


def _fault(  # noqa: PLR0911, PLR0913  (one way out for each reason)
    entry: Entry,
    person: str | None,
    trust: Trust,
    manifest: str,
    *,
    shipped: Collection[str],
    authors: Collection[str],
    now: dt.datetime,
) -> str | None:
    if entry.key is None or not entry.is_signed():
        return "is not signed"
    if entry.body.get("gate") != "deploy":
        return "is for another gate"
    if manifest not in entry.subjects or not set(shipped) <= set(entry.subjects):
        return "is for other bytes"
    if person is None:
        return "is signed with a key that trust.identities does not know"
    if person in authors:
        return "is by an author of the run"
    if trust.approvers and not names_of(entry.key, trust) & set(trust.approvers):
        return "is by nobody whom the policy lets approve"
    until = _until(entry)
    if until is not None and now > until:
        return f"expired on {until:%Y-%m-%d}"
    return None


def _until(entry: Entry) -> dt.datetime | None:
    """When an approval ends: at the end of the day that it names, or at its time."""
    text = entry.body.get("until")
    if not isinstance(text, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return dt.datetime.min.replace(tzinfo=dt.UTC)  # what cannot be read has ended
    if len(text) == len("2026-01-01"):
        moment += dt.timedelta(days=1)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
