"""A repository whose policy knows people by their keys, with one small run in it: for tests of what people do."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from workbench import Answer, Repo

from auditor.cli import root
from auditor.cli.ending import ended

AUTHOR = "author@example.org"
PEOPLE = ("owner", "approver", "second", "judge", "author", "stranger")


def minimal(repo: Repo, **run: object) -> dict[str, Any]:
    """A small valid manifest about the commit that is checked out."""
    now = dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"id": "case", "status": "succeeded", "started": now, "finished": now}
    code = {"commit": repo.git("rev-parse", "HEAD"), "tree": repo.git("rev-parse", "HEAD^{tree}"), "entrypoint": ["true"]}
    return {"schema": "auditor/run-manifest/v1", "run": about | run, "code": code}


def here(repo: Repo, *arguments: str) -> Answer:
    """The command line called in this process: an interpreter for each of a hundred calls would cost a minute."""
    out, err = io.StringIO(), io.StringIO()
    before = dict(os.environ)
    os.environ |= repo.env | repo.extra
    try:
        with contextlib.chdir(repo.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = ended(lambda: root(list(arguments), standalone_mode=False))
    finally:
        os.environ.clear()
        os.environ |= before
    answer = Answer(arguments, code, out.getvalue(), err.getvalue())
    assert code != 70, str(answer)
    return answer


@dataclass
class Governed:
    """The repository, each person's private key file and public key text, and the manifest's path."""

    repo: Repo
    keys: dict[str, Path]
    public: dict[str, str]
    manifest: str = "runs/case.run.yaml"
    trust: dict[str, Any] = field(default_factory=dict)

    def act(self, *arguments: str, by: str | None = None, reason: str | None = "because"):
        """One of the commands of people, called by ``by``."""
        key = ("--key", str(self.keys[by])) if by is not None else ()
        why = ("--reason", reason) if reason is not None else ()
        return here(self.repo, *arguments, *why, *key)

    def approve(self, by: str | None, *options: str, gate: str = "deploy"):
        return self.act("approve", self.manifest, "--gate", gate, *options, by=by)

    def govern(self, **trust: object) -> None:
        """Change who is trusted, on main."""
        self.repo.policy(lambda policy: policy["trust"].update(trust))
        self.repo.commit("Change who is trusted")


def governed(repo: Repo, keys: Path) -> Governed:
    """Owner, approvers, judge and author with keys of their own; the stranger's key is in no policy."""
    keys.mkdir()
    files, public = {}, {}
    for person in PEOPLE:
        files[person] = keys / person
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", files[person]], check=True)
        public[person] = files[person].with_suffix(".pub").read_text(encoding="utf-8").strip()
    repo.write("train.py", "print('nothing')\n")
    repo.auditor("init").expect(0)
    trust = {
        "owners": ["owner@example.org"],
        "approvers": ["approver@example.org", "second@example.org", AUTHOR],
        "judges": ["judge@example.org"],
        "identities": {public[person]: f"{person}@example.org" for person in PEOPLE if person != "stranger"},
    }
    repo.policy(lambda policy: policy.update(trust=trust))
    repo.commit("Start the project")
    made = Governed(repo, files, public, trust=trust)
    repo.write(made.manifest, yaml.safe_dump(minimal(repo, author=f"The Author <{AUTHOR}>")))
    repo.commit("Record a run")
    return made
