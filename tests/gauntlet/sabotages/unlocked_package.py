"""The lock file pins another numpy than the one that ran."""

from __future__ import annotations

CAUGHT_BY = ("environment/unlocked-package",)
START = "started"


def apply(repo):
    repo.write(
        "requirements.lock", "numpy==1.0.4 --hash=sha256:" + "7c" * 32 + "\npyyaml==6.0 --hash=sha256:" + "2b" * 32 + "\n"
    )
    repo.commit("Lock the environment")
    repo.record("--lock", "requirements.lock")
    repo.commit("Record a run")
