"""People with keys, for cases in which somebody signs: ``hire`` makes main's policy know them."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

from workbench import Repo

from auditor.catalogue.check import catalogue
from auditor.ledger.entry import Kind, draft
from auditor.ledger.keys import signing_key
from auditor.ledger.ledger import open_ledger
from auditor.policy.waivers import rule_digest


def hire(repo: Repo, *people: str) -> dict[str, Path]:
    """The private key of each person; the policy of main maps it to ``<person>@example.org``. The branch follows main."""
    keys = {person: repo.root.parent / f"key-{person}" for person in people}
    for file in keys.values():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], check=True)
    known = {file.with_suffix(".pub").read_text().strip(): f"{person}@example.org" for person, file in keys.items()}
    branch = repo.git("rev-parse", "--abbrev-ref", "HEAD")
    repo.checkout("main")
    repo.policy(lambda policy: policy["trust"].update(identities=known))
    repo.commit("Name our people")
    repo.checkout(branch)
    repo.git("rebase", "--quiet", "main")
    return keys


def forge(repo: Repo, kind: str, subject: str, body: dict[str, object], key: Path | None = None) -> None:
    """Write into the ledger as somebody who can write to its file, past every command."""
    signing = signing_key(str(key)) if key is not None else None
    with open_ledger(None, repo.root / ".git") as ledger:
        ledger.extend([draft(Kind(kind), subjects=(subject,), body=body, key=signing, actor="owner@example.org")])


def waived(team: Any, *, at_most: int) -> None:
    """An owner waives the one finding of a merged run; ``at_most`` is how many waived findings may ship."""
    team.trust(people=("owner",))
    team.rule(lambda policy: policy.update(severities={"data/unlicensed-dataset": "major"}))
    team.rule(lambda policy: policy["gates"]["deploy"].update({"max-waivers": at_most}))
    check = catalogue()["data/unlicensed-dataset"].rule
    until = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    said = {"check": check.id, "rule": rule_digest(check), "reason": "the licence is on its way", "until": until}
    team.write("waiver", team.digest(), by="owner", **said)
    team.judge()
