"""What people do about runs under their own names: approve, waive, attest, revoke. Each act is one signed ledger entry.

The rules of who may do what are those of the base's policy; every act is refused at once where a gate would not count it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from auditor.catalogue.check import catalogue
from auditor.catalogue.checklists import checklists, statements
from auditor.catalogue.own import committed
from auditor.errors import RefusedError, UndecidableError, UsageError
from auditor.evidence.claimed import Scratch
from auditor.gate.merge import weights
from auditor.gate.refs import default_branch, resolve
from auditor.gate.subject import Subject, from_file, select_files
from auditor.git import Repository
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.keys import SigningKey, required_key, signing_key
from auditor.ledger.ledger import Ledger, open_ledger
from auditor.model.finding import Rule
from auditor.model.run import Run
from auditor.policy.approvals import Standing
from auditor.policy.authors import Author, authors, hand_in
from auditor.policy.identity import People
from auditor.policy.load import FILE, LoadedPolicy, read_at
from auditor.policy.loosened import loosened
from auditor.policy.waivers import LONGEST, rule_digest

APPROVED_FOR = 90
"""Days for which an approval holds unless it says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Where somebody acts, why, and with which key. ``key`` None takes the one in ``AUDITOR_KEY``."""

    root: Path
    reason: str
    key: str | None = None
    base: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was written down, by whom, and what to know about it."""

    entry: Entry
    person: str | None
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """Everything an act needs: the repository, the policy in force, the ledger, and what stands in it."""

    repository: Repository
    ref: str
    loaded: LoadedPolicy
    ledger: Ledger
    standing: Standing
    people: People
    words: list[str] = field(default_factory=list)


def approve(act: Act, path: str, *, gate: Literal["merge", "deploy"], until: str | None = None) -> Done:
    """Approve the run whose manifest is at ``path``, or, for ``auditor.yaml`` at the merge gate, a looser policy.

    Raises:
        RefusedError: this person may not. UsageError, UndecidableError, LedgerError: it could not be written.
    """
    with _desk(act) as desk:
        key, person = _signer(act, desk)
        if Path(path).name == FILE:
            if gate != "merge":
                raise UsageError("a policy is approved for the merge gate", hint="auditor approve auditor.yaml --gate merge")
            return _accept(desk, act, key, person, until)
        subject, run = _run(desk, path)
        _role(desk, key, person, "approvers")
        made_by = _authors(desk, subject, run)
        if (author := hand_in(person, desk.people, made_by)) is not None:
            raise RefusedError(
                f"{person} is one of the run's authors ({author.written}: {author.where})",
                hint="somebody who had no hand in it has to approve it",
            )
        before = desk.standing.approvals(subject.digest, gate=gate, made_by=made_by).holding
        if any(desk.people.are_same(one.person, person) for one in before):
            raise RefusedError(f"{person} has approved this run for the {gate} gate already; nobody counts twice")
        digests = [artifact.digest for artifact in run.artifacts if artifact.digest]
        for digest in (subject.digest, *digests, *(data.digest for data in run.data if data.digest)):
            if (revoked := desk.standing.revoked(digest)) is not None:
                raise RefusedError(f"{digest} was revoked on {revoked.written[:10]}: {revoked.body.get('reason')}")
        said = {"gate": gate, "reason": _reason(act.reason), "until": _until(desk, until), **_about(desk, subject, run)}
        entry = desk.ledger.append(Kind.APPROVAL, subject=subject.digest, subjects=digests, body=said, key=key, actor=person)
        unmapped = sorted({author.written for author in made_by if not desk.people.knows(author.written)})
        if unmapped:
            desk.words.append(f"trust.identities does not say who these authors are: {', '.join(unmapped)}")
        return Done(entry=entry, person=person, words=tuple(desk.words))


def waive(act: Act, path: str, check: str, *, until: str) -> Done:
    """Excuse the run at ``path`` from what ``check`` found, until a day, as one of the policy's owners.

    Raises:
        RefusedError: this person may not. UsageError, UndecidableError, LedgerError: it could not be written.
    """
    with _desk(act) as desk:
        key, person = _signer(act, desk)
        subject, run = _run(desk, path)
        _role(desk, key, person, "owners")
        rule = _rule(desk, check)
        last = _day(desk, until)
        said: dict[str, object] = {
            "check": check,
            "rule": rule_digest(rule),
            "reason": _reason(act.reason),
            "until": last.isoformat(),
        }
        said |= _about(desk, subject, run)
        entry = desk.ledger.append(Kind.WAIVER, subject=subject.digest, body=said, key=key, actor=person)
        return Done(entry=entry, person=person)


def attest(act: Act, path: str, item: str, *, until: str | None = None) -> Done:
    """Answer for the run at ``path`` what no check can: an item of a checklist, or the question that a check asks.

    Raises:
        RefusedError: this person may not. UsageError, UndecidableError, LedgerError: it could not be written.
    """
    known = {name for checklist in checklists() for name in statements(checklist)}
    with _desk(act) as desk:
        key, person = _signer(act, desk)
        subject, run = _run(desk, path)
        if item not in known:
            _rule(desk, item, hint=f"or an item of a checklist: {', '.join(sorted(known))}")
        said = {"item": item, "reason": _reason(act.reason), "until": _until(desk, until, LONGEST)}
        entry = desk.ledger.append(
            Kind.ATTESTATION, subject=subject.digest, body=said | _about(desk, subject, run), key=key, actor=person
        )
        return Done(entry=entry, person=person)


def revoke(act: Act, digest: str, *, keep_earlier: bool = False) -> Done:
    """Take back trust in a digest: a data set's, a run's, a model's, a key's, or what an entry of the ledger says.

    Where the policy names nobody, nobody has to sign.

    Raises:
        RefusedError: this person may not. UsageError, LedgerError: it could not be written.
    """
    with _desk(act) as desk:
        trust = desk.loaded.policy.trust
        key: SigningKey | None
        if trust.owners or trust.approvers or trust.judges or trust.identities:
            key, person = _signer(act, desk)
        else:
            key, person = signing_key(act.key), None
            desk.words.append("the policy names nobody (trust), so anybody may revoke")
        said: dict[str, object] = {"reason": _reason(act.reason)}
        if keep_earlier:
            said["keep-earlier"] = True
        entry = desk.ledger.append(Kind.REVOCATION, subject=digest, body=said, key=key, actor=person)
        return Done(entry=entry, person=person, words=tuple(desk.words))


@contextmanager
def _desk(act: Act) -> Iterator[_Desk]:
    with Repository.discover(act.root) as repository:
        named = act.base or default_branch(repository)
        ref = repository.commit(named) if named is not None else None
        if ref is None:
            raise UndecidableError(
                f"the base {named or 'branch'} is not in this clone, and its policy says who may do what",
                hint="name it with --base REF, or fetch it",
            )
        loaded = read_at(repository, ref)
        with open_ledger(loaded.policy.kept.url, repository) as ledger:
            people = People(loaded.policy.trust)
            standing = Standing(ledger, people, ledger.now())
            yield _Desk(repository=repository, ref=ref, loaded=loaded, ledger=ledger, standing=standing, people=people)


def _signer(act: Act, desk: _Desk) -> tuple[SigningKey, str]:
    """The key to sign with, and the person it belongs to: proved by the key, never by what git says of itself."""
    key = required_key(act.key)
    person = desk.people.behind_key(key.public)
    if person is None:
        raise RefusedError(
            f"the policy does not know whose key {key.public.fingerprint} is",
            hint=f'have an owner add it to trust.identities: "{key.public.text}": you@example.org',
        )
    if (revoked := desk.standing.revoked(key.public.keyid)) is not None:
        raise RefusedError(f"the key {key.public.fingerprint} was revoked on {revoked.written[:10]}")
    return key, person


def _role(desk: _Desk, key: SigningKey, person: str, role: Literal["owners", "approvers"]) -> None:
    if not desk.people.may(role, key.public):
        named = ", ".join(getattr(desk.loaded.policy.trust, role)) or "nobody"
        raise RefusedError(f"{person} is none of the {role} that the policy names: {named}", hint=f"see trust.{role}")


def _run(desk: _Desk, path: str) -> tuple[Subject, Run]:
    root = desk.repository.root
    (inside, *more) = select_files(root, [path], desk.loaded.policy.manifests)
    if more:
        raise UsageError(f"{path} names {1 + len(more)} manifests", hint="people answer for one run at a time")
    subject = from_file(root, inside)
    if subject.manifest.error is not None:
        raise subject.manifest.error
    if desk.repository.entry("HEAD", inside) is None:
        desk.words.append(f"{inside} is not committed: what counts is its digest, {subject.digest}")
    return subject, subject.manifest.run


def _authors(desk: _Desk, subject: Subject, run: Run) -> tuple[Author, ...]:
    return authors(
        desk.repository,
        desk.repository.commit("HEAD") or desk.ref,
        path=subject.path,
        author=run.run.author,
        commit=run.code.commit if run.code is not None else None,
        verdicts=desk.ledger.entries(Kind.VERDICT, subject.digest),
    )


def _about(desk: _Desk, subject: Subject, run: Run) -> dict[str, object]:
    return {"manifest": subject.path, "run": run.run.id, "policy": {"digest": desk.loaded.digest, "ref": desk.ref}}


def _rule(desk: _Desk, check: str, *, hint: str = "`auditor checks` lists them") -> Rule:
    known = dict(catalogue())
    if check not in known and desk.loaded.policy.checks:
        scratch = Scratch()
        try:
            known |= committed(desk.repository, desk.ref, desk.loaded.policy.checks, scratch)
        finally:
            scratch.close()
    if check not in known:
        raise UsageError(f"there is no check called {check!r}", hint=hint)
    return known[check].rule


def _accept(desk: _Desk, act: Act, key: SigningKey, person: str, until: str | None) -> Done:
    """Accept that the head's policy takes the place of the base's."""
    _role(desk, key, person, "owners")
    refs = resolve(desk.repository, head=None, base=act.base, policy_ref=None)
    head = read_at(desk.repository, refs.head)
    if head.digest == desk.loaded.digest:
        raise UsageError("the policy of the head is the base's: there is nothing to approve", hint="commit it first")
    entries = [f"{one.pointer}: {one.message}" for one in loosened(desk.loaded.policy, head.policy, checklist=weights)]
    said = {"gate": "merge", "base": desk.loaded.digest, "reason": _reason(act.reason), "until": _until(desk, until)}
    entry = desk.ledger.append(Kind.ACCEPTANCE, subject=head.digest, body=said | {"entries": entries}, key=key, actor=person)
    return Done(entry=entry, person=person, words=tuple(entries) or ("the new policy asks for nothing less",))


def _reason(reason: str) -> str:
    if not reason.strip():
        raise UsageError("a reason has to be given", hint="--reason TEXT")
    return reason.strip()


def _day(desk: _Desk, until: str) -> dt.date:
    """The last day of something that lasts until then.

    Raises:
        UsageError: it is no day, lies behind us, or too far ahead.
    """
    try:
        last = dt.date.fromisoformat(until)
    except ValueError:
        raise UsageError(f"--until {until!r} is no day", hint="write YYYY-MM-DD") from None
    ahead = (last - desk.standing.now.date()).days
    if not 0 <= ahead <= LONGEST:
        raise UsageError(
            f"--until {until} is {'past' if ahead < 0 else f'more than {LONGEST} days ahead'}",
            hint="an exception without an end is a rule",
        )
    return last


def _until(desk: _Desk, until: str | None, days: int = APPROVED_FOR) -> str:
    last = _day(desk, until) if until is not None else desk.standing.now.date() + dt.timedelta(days=days)
    return last.isoformat()


def said(done: Done) -> Sequence[str]:
    """What was done, in lines for a person."""
    by = done.person or "an unsigned entry"
    return (f"{done.entry.kind} by {by}", f"entry {done.entry.sequence}  {done.entry.said}", *done.words)
