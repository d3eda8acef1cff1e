"""What the merge gate asks the ledger, and the verdicts that it leaves there.

The ledger is opened when something is asked of it that it could answer, and not before: most changes need nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from types import TracebackType
from typing import Self, TypeVar

from auditor.attestation.predicate import Judged, found
from auditor.errors import BrokenLedgerError, LedgerError, UsageError
from auditor.evidence.change import Remark
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.audit import Granted
from auditor.gate.subject import Subject
from auditor.git import Repository
from auditor.ledger.entry import Kind
from auditor.ledger.keys import signing_key
from auditor.ledger.ledger import FILE, open_ledger
from auditor.model.policy import Waiver
from auditor.model.report import PolicyUsed, RunReport
from auditor.model.words import Isolation, Tier, Verdict
from auditor.policy.approvals import Standing, Void
from auditor.policy.authors import authors, requested
from auditor.policy.identity import People
from auditor.policy.load import LoadedPolicy

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated:
    """What the merge gate said, whatever each run came to."""

    verdict: Verdict
    advisory: bool
    head: str
    policy: PolicyUsed


class Ledgered:
    """The ledger that the base's policy names, as the merge gate uses it. ``note`` is told what people should know.

    Close it, or use it as a context manager. What cannot be read grants nothing.
    """

    def __init__(self, repository: Repository, base: LoadedPolicy, note: Callable[[str], None]) -> None:
        self._repository = repository
        self._base = base
        self._note = note
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._open.close()

    def granted(self, digest: str, run_id: str | None) -> Granted:
        """The waivers of the run whose manifest has this digest, and what is wrong with others."""
        nothing: tuple[tuple[Waiver, ...], tuple[Void, ...]] = ((), ())
        holding, void = self._asked(lambda standing: standing.waivers(digest, run_id), nothing)
        return holding, tuple(map(str, void))

    def accepts(self, policy: str, asked: Sequence[Remark]) -> bool:
        """Whether one of the base's owners accepted that the policy with this digest takes the base's place."""
        accepted = self._asked(lambda standing: standing.acceptance(policy, base=self._base.digest), None)
        if accepted is not None:
            self._note(
                f"{accepted.person} accepted the looser policy until {accepted.expires:%Y-%m-%d} "
                f"(ledger entry {accepted.entry.sequence}): {'; '.join(f'{one.pointer} {one.message}' for one in asked)}"
            )
        return accepted is not None

    def answers(self, digest: str) -> dict[str, str]:
        """Who attested what about the run whose manifest has this digest, by item."""
        return self._asked(lambda standing: {str(a.entry.body.get("item")): a.person for a in standing.answers(digest)}, {})

    def unapproved(self, subjects: Iterable[Subject], head: str) -> tuple[Remark, ...]:
        """The runs that fewer people approved than the base's merge gate asks for."""
        needed = self._base.policy.gates.merge.approvals
        found: list[Remark] = []
        for subject in subjects if needed else ():
            words = self._asked(partial(self._approvals, subject, head, needed), [_MISSING])
            found += [Remark(message=message, file=subject.path, line=1) for message in words]
        return tuple(found)

    def _approvals(self, subject: Subject, head: str, needed: int, standing: Standing) -> list[str]:
        author = commit = None
        try:
            run = subject.manifest.run
            author, commit = run.run.author, run.code.commit if run.code is not None else None
        except Inconclusive:
            pass  # its own findings say what is wrong with it
        verdicts = standing.ledger.entries(Kind.VERDICT, subject.digest)
        made_by = authors(self._repository, head, path=subject.path, author=author, commit=commit, verdicts=verdicts)
        found = standing.approvals(subject.digest, gate="merge", made_by=made_by)
        if len(found.holding) >= needed:
            return []
        return [f"{len(found.holding)} of {needed} approvals count", *map(str, found.void)]

    def record(self, gated: Gated, runs: Iterable[tuple[RunReport, Subject]]) -> None:
        """Put the gate's verdict about each run on record, signed when there is a key, where something stands behind it.

        A verdict that nothing isolated and no key stands behind would be worth nothing to whoever reads it later. That it
        cannot be written changes no verdict.

        Raises:
            UsageError: what is named as a key is none.
        """
        key = signing_key(None)
        chosen = [] if gated.advisory else [one for one in runs if key is not None or _isolated(one[0])]
        if not chosen:
            return
        rules = self._base.policy.gates.merge
        try:
            with open_ledger(self._base.policy.kept.url, self._repository) as ledger:
                for run, subject in chosen:
                    judged = Judged(
                        gate="merge",
                        verdict=gated.verdict,
                        advisory=gated.advisory,
                        head=gated.head,
                        policy=gated.policy,
                        rules=rules,
                        run=run,
                    )
                    body = found(judged) | {"authors": requested()}
                    ledger.append(Kind.VERDICT, subject=run.digest, subjects=_artifacts(subject), body=body, key=key)
        except (LedgerError, UsageError) as error:
            self._note(f"the verdict is not on record: {error.message}")

    def warm(self) -> None:
        """Load what a ledger needs beside the executions that the gate waits for."""
        threading.Thread(target=_load, daemon=True).start()

    @cached_property
    def _standing(self) -> Standing | None:
        """What people said; None where there is no ledger yet, or none that can be read."""
        url = self._base.policy.kept.url
        if url is None and not (self._repository.common_dir / FILE).exists():
            return None
        try:
            ledger = self._open.enter_context(open_ledger(url, self._repository, writable=False))
            return Standing(ledger, People(self._base.policy.trust), ledger.now())
        except (LedgerError, BrokenLedgerError, UsageError) as error:
            self._note(f"{error.message}; nothing in it counts")
            return None

    def _asked(self, question: Callable[[Standing], _Answer], nothing: _Answer) -> _Answer:
        if self._standing is None:
            return nothing
        try:
            return question(self._standing)
        except (LedgerError, BrokenLedgerError) as error:
            self._note(f"{error.message}; nothing in it counts")
            return nothing


_MISSING = "no approval counts: there is no ledger that can be read"


def _isolated(run: RunReport) -> bool:
    """Whether something was executed behind an isolation."""
    return any(shown.isolation != Isolation.NONE for shown in run.reproductions if shown.tier > Tier.RECOMPUTE)


def _artifacts(subject: Subject) -> list[str]:
    try:
        return [artifact.digest for artifact in subject.manifest.run.artifacts if artifact.digest is not None]
    except Inconclusive:
        return []


def _load() -> None:
    import auditor.ledger.database  # noqa: F401, PLC0415  (that it is loaded is all there is to it)
