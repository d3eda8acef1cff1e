"""A run that was merged, in a repository whose people have keys: what tests of deployments begin with."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from workbench import Answer, Repo

from auditor.gate.deploy import Deploy, gate_deploy
from auditor.git import Repository
from auditor.ledger.entry import Draft, Kind, draft
from auditor.ledger.keys import public_key, signing_key
from auditor.ledger.ledger import Ledger, open_ledger

MODEL = "out/model.npz"
REQUIRE = {"metrics": ["consistent"], "weights": ["consistent"]}
"""The network's loss is not computed from predictions, so nobody can recompute it."""


@dataclass
class Team:
    """A repository with a merged run, and the keys of a judge, two approvers and a stranger."""

    repo: Repo
    keys: Path
    url: str | None = None
    artifact: str = MODEL
    manifest: str | None = None

    def key(self, who: str) -> str:
        file = self.keys / who
        if not file.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", file], check=True)
        return str(file)

    def public(self, who: str) -> str:
        return public_key(f"{self.key(who)}.pub").text

    def rule(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the policy on main."""
        branch = self.repo.git("branch", "--show-current")
        self.repo.checkout("main")
        self.repo.policy(change)
        self.repo.commit("Change the rules")
        if branch != "main":
            self.repo.checkout(branch)

    def trust(self, *, approvals: int = 0, judges: tuple[str, ...] = ("judge",), people: tuple[str, ...] = ()) -> None:
        identities = {self.public(who): f"{who}@example.org" for who in ("judge", "approver", "second", *people)}

        def change(policy: dict[str, Any]) -> None:
            policy["trust"] = {
                "owners": ["owner@example.org"],
                "approvers": ["approver@example.org", "second@example.org"],
                "judges": [f"{judge}@example.org" for judge in judges],
                "identities": identities,
            }
            policy["gates"] = {"deploy": {"approvals": approvals, "require": REQUIRE}}

        self.rule(change)

    def deploy(self, *arguments: str, key: str | None = "judge", artifact: str | None = MODEL) -> Answer:
        files = ("--artifact", artifact) if artifact else ()
        signed = ("--key", self.key(key)) if key else ()
        return self.repo.auditor("gate", "deploy", *arguments, *files, *signed, "--format", "json")

    def digest(self, path: str | None = None) -> str:
        from auditor.manifest.reader import read_file  # noqa: PLC0415

        return read_file(self.repo.root / (path or self.repo.manifest)).digest

    def write(
        self, kind: str, *subjects: str, by: str | None = None, written: dt.datetime | None = None, **body: Any
    ) -> None:
        """Append an entry to the ledger, whatever it says."""
        key = signing_key(self.key(by)) if by else None
        entry = draft(Kind(kind), subjects=subjects, body=body, key=key, written=written)
        with self.ledger() as ledger:
            ledger.extend([entry])

    @contextmanager
    def ledger(self, **options: Any) -> Iterator[Ledger]:
        with Repository.discover(self.repo.root) as repository, open_ledger(self.url, repository, **options) as ledger:
            yield ledger

    def approve(self, who: str | None, *, gate: str = "deploy", until: str | None = None) -> None:
        """Say that somebody approved the run as it is now, without asking whether they may."""
        digests = [artifact["digest"] for artifact in self.repo.claims()["artifacts"]]
        last = until or (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
        self.write("approval", self.digest(), *digests, by=who, gate=gate, reason="looked at it", until=last)

    def judge(self, who: str = "judge") -> None:
        """Let a judge's gate put a verdict on record."""
        files = [("model.npz", self.repo.root / MODEL)]
        gate_deploy(Deploy(root=self.repo.root, files=files, key=signing_key(self.key(who))))

    def checkpoint(self) -> None:
        with self.ledger() as ledger:
            ledger.checkpoint(signing_key(self.key("judge")))

    def forget(self) -> None:
        """Begin with an empty ledger."""
        for file in (self.repo.root / ".git/auditor").glob("ledger.db*"):
            file.unlink()

    def tamper(self, *statements: str) -> None:
        """Do as somebody would who has the database and not the auditor."""
        with closing(sqlite3.connect(self.repo.root / ".git/auditor/ledger.db")) as database, database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                database.execute(statement)

    def move_ledger(self, url: str | None = None) -> None:
        """Write every statement into another database, and name that in the policy."""
        with self.ledger() as old:
            statements = [Draft(e.statement, e.signature, str(e.kind), e.subjects) for e in old.entries()]
        self.url = url or f"sqlite:///{self.keys.parent / 'moved.db'}"
        with self.ledger() as new:
            new.extend(statements)
        self.rule(lambda policy: policy.update(ledger=self.url))

    def entries(self, kind: str | None = None) -> list[Any]:
        with self.ledger(writable=False) as ledger:
            return list(ledger.entries(kind))


@pytest.fixture
def team(project: Callable[..., Repo], tmp_path: Path) -> Team:
    """The run is on main, where it was judged open; nothing is trusted yet, no approval asked for."""
    repo = project("network", "merged")
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(gates={"deploy": {"approvals": 0, "require": REQUIRE}}))
    repo.commit("Ask for no approval")
    keys = tmp_path / "keys"
    keys.mkdir()
    return Team(repo, keys)
