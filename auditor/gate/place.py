"""A repository, its default branch's policy and its ledger, opened together: where governing actions happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import EmptySelectionError, UndecidableError, UsageError
from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.refs import default_branch
from auditor.gate.subject import Subject, in_commit, select_committed
from auditor.git import Repository
from auditor.globs import matches
from auditor.ledger.ledger import Ledger, open_ledger
from auditor.model.policy import Policy
from auditor.model.run import Run
from auditor.policy.approvals import Standing
from auditor.policy.identity import People
from auditor.policy.load import LoadedPolicy, read_at
from auditor.store.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an action happens. ``head`` holds the manifests, the policy is that of ``policy_commit``."""

    repository: Repository
    head: str
    policy_commit: str
    loaded: LoadedPolicy
    ledger: Ledger
    scratch: Scratch

    @property
    def policy(self) -> Policy:
        """The rules that decide."""
        return self.loaded.policy

    def standing(self) -> Standing:
        """What people said in the ledger, as far as the policy lets it count now."""
        return Standing(self.ledger, People(self.policy.trust), self.ledger.now())

    def claimed(self) -> ClaimedBytes:
        """Looks up the bytes of claims, as a gate does."""
        return ClaimedBytes(
            root=self.repository.root,
            repository=self.repository,
            commit=self.head,
            scratch=self.scratch,
            stores=Stores(self.loaded.policy.stores),
        )

    def subject(self, manifest: str) -> Subject:
        """The one manifest named by its path from the repository's root.

        Raises:
            EmptySelectionError: there is none. UsageError: there are several.
        """
        given, root = Path(manifest), self.repository.root
        inside = given.relative_to(root).as_posix() if given.is_absolute() and given.is_relative_to(root) else manifest
        chosen = select_committed(self.repository.entries(self.head), [inside], self.head[:12])
        if len(chosen) != 1:
            raise UsageError(f"{manifest} names {len(chosen)} manifests", hint="name one run at a time")
        return in_commit(self.repository, self.head, chosen[0])

    def run(self, manifest: str) -> tuple[Subject, Run]:
        """The same with its claims.

        Raises:
            UndecidableError: it cannot be read.
        """
        subject = self.subject(manifest)
        try:
            return subject, subject.manifest.run
        except Inconclusive as unanswered:
            raise UndecidableError(unanswered.reason) from None

    def subjects(self) -> Iterator[Subject]:
        """Every manifest in the judged commit, by path."""
        for path in self.repository.entries(self.head):
            if matches(path, self.loaded.policy.manifests):
                yield in_commit(self.repository, self.head, path)

    def with_digest(self, digest: str) -> str | None:
        """The path of the manifest with this digest."""
        return next((subject.path for subject in self.subjects() if subject.digest == digest), None)

    def with_artifact(self, digests: set[str]) -> Subject:
        """The one run that wrote one of these.

        Raises:
            EmptySelectionError: none did. UsageError: several did.
        """
        matching = [subject for subject in self.subjects() if digests & artifacts_of(subject)]
        if not matching:
            raise EmptySelectionError(
                f"no run in {self.head[:12]} has an artifact with the digest {', '.join(sorted(digests))}",
                hint="name the manifest, or record the run that wrote these bytes",
            )
        if len(matching) > 1:
            raise UsageError(f"{len(matching)} runs wrote these bytes", hint=f"name one: {matching[0].path}")
        return matching[0]


@contextmanager
def opened(
    start: Path, *, base: str | None = None, head: str | None = None, policy_ref: str | None = None
) -> Iterator[Place]:
    """The place that ``start`` lies in.

    Raises:
        UsageError, PolicyError, UndecidableError, LedgerError: it cannot be opened; each says why.
    """
    scratch = Scratch()
    with Repository.discover(start) as repository:
        try:
            judged, policy_commit = _commits(repository, base=base, head=head, policy_ref=policy_ref)
            loaded = read_at(repository, policy_commit)
            with open_ledger(loaded.policy.kept.url, repository) as ledger:
                yield Place(
                    repository=repository,
                    head=judged,
                    policy_commit=policy_commit,
                    loaded=loaded,
                    ledger=ledger,
                    scratch=scratch,
                )
        finally:
            scratch.close()


def artifacts_of(subject: Subject) -> set[str]:
    """The digests of everything that the run says it wrote."""
    try:
        return {artifact.digest for artifact in subject.manifest.run.artifacts if artifact.digest is not None}
    except Inconclusive:
        return set()


def _commits(repository: Repository, *, base: str | None, head: str | None, policy_ref: str | None) -> tuple[str, str]:
    """The commit that is judged, and the one whose policy decides."""
    judged = repository.commit(head or "HEAD")
    if judged is None:
        raise UsageError(f"{head or 'HEAD'!r} names no commit in this repository", hint="commit the run first")
    named = policy_ref or base or default_branch(repository)
    policy = repository.commit(named) if named is not None else None
    if policy is None:
        raise UndecidableError(
            f"the policy is read from the default branch, and {named or 'none'} names no commit here",
            hint="fetch it, or name it with --base REF",
        )
    return judged, policy
