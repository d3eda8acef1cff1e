"""A run that was merged, in a repository whose people have keys: what tests of deployments begin with."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from workbench import Answer, Repo

from auditor.git import Repository
from auditor.ledger.keys import public_key, signing_key
from auditor.ledger.ledger import open_ledger

MODEL = "out/model.npz"
REQUIRE = {"metrics": ["consistent"], "weights": ["consistent"]}
"""The network's loss is not computed from predictions, so nobody can recompute it."""


@dataclass
class Team:
    """A repository with a merged run, and the keys of a judge, two approvers and a stranger."""

    repo: Repo
    keys: Path

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

    def write(self, kind: str, *subjects: str, by: str | None = None, **body: Any) -> None:
        """Append an entry to the ledger."""
        key = signing_key(self.key(by)) if by else None
        with Repository.discover(self.repo.root) as repository, open_ledger(None, repository) as ledger:
            ledger.append(kind, subject=subjects[0], subjects=subjects[1:], body=body, key=key)

    def entries(self, kind: str | None = None) -> list[Any]:
        with Repository.discover(self.repo.root) as repository, open_ledger(None, repository, writable=False) as ledger:
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
