"""Opens the ledger that a repository's policy names, together with the people whom that policy knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import UsageError
from auditor.gate.refs import default_branch
from auditor.git import Repository
from auditor.ledger.ledger import Ledger, open_ledger
from auditor.policy.approvals import Standing
from auditor.policy.identity import People
from auditor.policy.load import BUILT_IN, FILE, LoadedPolicy, load, read_at
from auditor.policy.rulebook import Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """A repository, the policy of its base, and the ledger that it names."""

    repository: Repository
    ref: str | None
    loaded: LoadedPolicy
    ledger: Ledger

    @property
    def people(self) -> People:
        """The people whom the policy knows."""
        return People(self.loaded.policy.trust)

    def vouching(self) -> frozenset[str] | None:
        """The ids of the keys whose checkpoints count; None where the policy names nobody."""
        trust = self.loaded.policy.trust
        return self.people.keyids(("owners", "judges")) if trust.owners or trust.judges else None

    def rulebook(self) -> Rulebook:
        """The rules in force today, with the waivers that the ledger adds."""
        standing = Standing(self.ledger, self.people, self.ledger.now())
        edited = self.repository.ask("log", "-1", "--format=%cs", self.ref, "--", FILE) if self.ref is not None else None
        built_in = self.loaded.source == BUILT_IN
        return Rulebook(
            policy=self.loaded.policy,
            digest=self.loaded.digest,
            ref=None if built_in else self.ref,
            changed=dt.date.fromisoformat(edited) if edited and not built_in else None,
            waivers=(*self.loaded.policy.waivers, *standing.every_waiver()),
            today=standing.now.date(),
        )


@contextmanager
def records(root: Path, *, base: str | None = None, writable: bool = False) -> Iterator[Records]:
    """The records of the repository that holds ``root``; those of a repository without a base are by the built-in policy.

    Raises:
        UsageError: no repository, or ``base`` names no commit. PolicyError: the policy is invalid. LedgerError: no ledger.
    """
    with Repository.discover(root) as repository:
        named = base or default_branch(repository)
        ref = repository.commit(named) if named is not None else None
        if ref is None and base is not None:
            raise UsageError(f"{base!r} names no commit in this repository")
        loaded = read_at(repository, ref) if ref is not None else load(None, source=BUILT_IN)
        with open_ledger(loaded.policy.kept.url, repository, writable=writable) as ledger:
            yield Records(repository=repository, ref=ref, loaded=loaded, ledger=ledger)
