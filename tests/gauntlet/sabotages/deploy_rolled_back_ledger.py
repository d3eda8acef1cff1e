"""The ledger was put back to what it was before a revocation, which this clone had pushed already."""

from __future__ import annotations

import shutil
import subprocess

from auditor.digest import of_file

GATE = "deploy"
CAUGHT_BY = {"governance/broken-ledger"}


def apply(team):
    server = team.keys.parent / "server.git"
    subprocess.run(["git", "init", "-q", "--bare", str(server)], check=True)
    team.repo.git("remote", "add", "origin", str(server))
    team.repo.git("push", "-q", "origin", "main")
    ledger = team.repo.root / ".git/auditor/ledger.db"
    team.repo.auditor("ledger", "push").expect(0)
    shutil.copy(ledger, team.keys.parent / "before.db")
    weights, _ = of_file(team.repo.root / "out/model.npz")
    team.write("revocation", weights, by="judge", reason="label leak")
    team.repo.auditor("ledger", "push").expect(0)
    for file in ledger.parent.glob("ledger.db*"):
        file.unlink()
    shutil.copy(team.keys.parent / "before.db", ledger)
