"""The deploy gate on a verdict that a judge has given already, against nothing but hashing the file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from clock import BIN, goal, table, timed
from processes import RUNS
from team import REQUIRE, Team
from workbench import environment as shell
from workbench import merged, recorded, started

from auditor import digest

MEGABYTES = int(os.environ.get("BENCH_MB", "1024"))
AUDITOR = str(BIN / "auditor")
HASH = "import hashlib, sys; hashlib.file_digest(open(sys.argv[1], 'rb'), 'sha256')"


def released(folder: Path) -> Team:
    """A merged run with one large artifact beside its weights, which a judge said open to."""
    home = folder / "home"
    home.mkdir()
    repo = started(folder / "network", shell(home) | {"PATH": os.environ["PATH"]}, "network")
    repo = merged(recorded(repo))
    repo.checkout("main")
    block = os.urandom(1 << 20)
    with (repo.root / "bulk.txt").open("wb") as stream:
        for _ in range(MEGABYTES):
            stream.write(block)
    value, size = digest.of_file(repo.root / "bulk.txt")
    bulk = {"name": "bulk", "role": "other", "path": "bulk.txt", "digest": value, "size": size}
    repo.edit(lambda claims: claims["artifacts"].append(bulk))
    repo.write(".gitignore", "bulk.txt\n")
    repo.policy(lambda policy: policy.update(gates={"deploy": {"approvals": 0, "require": REQUIRE}}))
    repo.commit("Ship something large")
    keys = folder / "keys"
    keys.mkdir()
    team = Team(repo, keys, artifact="bulk.txt")
    team.trust()
    team.judge()
    return team


def deploying(folder: Path) -> str:
    """The table of one deployment."""
    team = released(folder)
    env, root = team.repo.env, team.repo.root
    gate = [AUDITOR, "gate", "deploy", team.repo.manifest, "--artifact", "bulk.txt", "--quiet"]
    hashed = timed([sys.executable, "-c", HASH, "bulk.txt"], RUNS, cwd=root, env=env)
    took = timed(gate, RUNS, cwd=root, env=env)
    rows = [
        ["hashing alone", f"{hashed:.2f}", "1.00", ""],
        ["auditor gate deploy", f"{took:.2f}", f"{took / hashed:.2f}", goal(took <= 1.2 * hashed, "1.2:")],
    ]
    return table(f"Deploying {MEGABYTES} MB, a verdict on record", ["", "s", "of hashing", "goal, at most"], rows)
