"""Which approvals, waivers and answers of people in the ledger hold, and why the others do not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from auditor.ledger.entry import Entry, Kind
from auditor.ledger.ledger import Ledger
from auditor.model.policy import Waiver
from auditor.policy.authors import Author, hand_in
from auditor.policy.identity import People
from auditor.policy.waivers import LONGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """One approval that holds: whose, which entry says so, and until when."""

    person: str
    entry: Entry
    expires: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Void:
    """An entry that says something which does not hold, and why."""

    entry: Entry
    why: str

    def __str__(self) -> str:
        return f"the {self.entry.kind} of {self.entry.written[:10]} (entry {self.entry.sequence}) {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The approvals about one digest: those of distinct people that hold, and the others."""

    holding: tuple[Approved, ...]
    void: tuple[Void, ...]


@dataclass(frozen=True)
class Standing:
    """What people said in a ledger, as far as the policy's ``people`` let it count at ``now``."""

    ledger: Ledger
    people: People
    now: dt.datetime
    _revoked: dict[str, Entry | None] = field(default_factory=dict, repr=False)

    def revoked(self, digest: str) -> Entry | None:
        """The newest revocation of this digest: an artifact's, a manifest's, a snapshot's, or a key's.

        Anybody's counts: whoever says that something is wrong makes the gate look again, never the other way round.
        """
        if digest not in self._revoked:
            self._revoked[digest] = self.ledger.latest(Kind.REVOCATION, digest)
        return self._revoked[digest]

    def approvals(self, subject: str, *, gate: str, made_by: Iterable[Author], role: str = "approvers") -> Approvals:
        """Who approved ``subject`` (a digest) for ``gate``, each person once, none of them its author."""
        made_by = tuple(made_by)
        holding: dict[str, Approved] = {}
        void: list[Void] = []
        for entry in self.ledger.entries(Kind.APPROVAL, subject):
            if entry.body.get("gate") != gate:
                continue
            why = self._approval_fault(entry, subject, made_by, role)
            person = self.people.signer(entry)
            if why is None and person is not None:
                # The same person twice counts once, with the later end.
                known = holding.get(person)
                approved = Approved(person=person, entry=entry, expires=ends(entry))
                holding[person] = approved if known is None or known.expires < approved.expires else known
            elif why is not None:
                void.append(Void(entry=entry, why=why))
        return Approvals(holding=tuple(holding.values()), void=tuple(void))

    def acceptance(self, policy: str, *, base: str) -> Approved | None:
        """The approval by an owner of the policy with the digest ``policy`` in place of the one with the digest ``base``."""
        for entry in self.ledger.entries(Kind.ACCEPTANCE, policy):
            if entry.subject != policy or entry.body.get("base") != base:
                continue
            person = self.people.signer(entry)
            if person is not None and self.fault(entry, "owners") is None:
                return Approved(person=person, entry=entry, expires=ends(entry))
        return None

    def waivers(self, subject: str, run_id: str | None) -> tuple[tuple[Waiver, ...], tuple[Void, ...]]:
        """The waivers that owners granted the run with the manifest digest ``subject``, and those that do not hold.

        Whether each is in time and about the rule in force is for :func:`auditor.policy.waivers.apply` to say.
        """
        holding: list[Waiver] = []
        void: list[Void] = []
        for entry in self.ledger.entries(Kind.WAIVER, subject):
            why = self.fault(entry, "owners", expiring=False)
            if why is None and entry.subject != subject:
                why = "is about another run"
            if why is None:
                holding.append(self._waiver(entry, run_id or subject))
            else:
                void.append(Void(entry=entry, why=why))
        return tuple(holding), tuple(void)

    def every_waiver(self) -> Iterator[Waiver]:
        """All waivers that owners granted, whether in time or not."""
        for entry in self.ledger.entries(Kind.WAIVER):
            if self.fault(entry, "owners", expiring=False) is None:
                yield self._waiver(entry, str(entry.body.get("run") or entry.subject))

    def _waiver(self, entry: Entry, run: str) -> Waiver:
        said = {key: str(entry.body.get(key) or "") for key in ("check", "reason", "until", "rule")}
        return Waiver(run=run, owner=self.people.signer(entry) or "", **said)

    def answers(self, subject: str) -> Iterator[Approved]:
        """The questions about the run with this manifest digest that people have answered under their names."""
        for entry in self.ledger.entries(Kind.ATTESTATION, subject):
            person = self.people.signer(entry)
            if person is not None and entry.subject == subject and self.fault(entry, None) is None:
                yield Approved(person=person, entry=entry, expires=ends(entry))

    def fault(self, entry: Entry, role: str | None, *, expiring: bool = True) -> str | None:
        """Why what ``entry`` says does not hold, in words, its content aside; None when it does."""
        if entry.key is None or not entry.is_signed():
            return "is not signed"
        person = self.people.signer(entry)
        if person is None:
            return "is signed by a key that trust.identities gives to nobody"
        if role is not None and not self.people.may(role, entry.key):
            return f"is by {person}, who is none of trust.{role}"
        return self._revocation(entry) or (_out_of_time(entry, self.now) if expiring else None)

    def _revocation(self, entry: Entry) -> str | None:
        revoked = self.revoked(entry.keyid or "")
        if revoked is not None and not (revoked.body.get("keep-earlier") is True and entry.sequence < revoked.sequence):
            return f"is signed by a key that was revoked on {revoked.written[:10]}"
        return "was revoked" if self.revoked(entry.said) is not None else None

    def _approval_fault(self, entry: Entry, subject: str, made_by: tuple[Author, ...], role: str) -> str | None:
        why = self.fault(entry, role)
        if why is not None:
            return why
        if entry.subject != subject and subject not in entry.subjects:
            return "is about another digest"
        person = self.people.signer(entry) or ""
        author = hand_in(person, self.people, made_by)
        return f"is by {person}, one of the run's authors ({author.written}: {author.where})" if author is not None else None


def ends(entry: Entry) -> dt.datetime:
    """When what ``entry`` says ceases to hold: as written, and never later than :data:`LONGEST` days after it was."""
    latest = entry.when + dt.timedelta(days=LONGEST)
    try:
        last = dt.date.fromisoformat(str(entry.body.get("until")))
    except ValueError:
        return entry.when  # what has no end does not hold at all
    midnight = dt.datetime.combine(last, dt.time(), tzinfo=dt.UTC)
    return min(latest, midnight + dt.timedelta(days=1))


def _out_of_time(entry: Entry, now: dt.datetime) -> str | None:
    expires = ends(entry)
    return f"expired at {expires:%Y-%m-%d %H:%M}Z" if expires <= now else None
