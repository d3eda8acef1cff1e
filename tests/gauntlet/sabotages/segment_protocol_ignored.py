"""The code answers a verifier with nothing: it no longer writes where it is asked to."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"
CAUGHT_BY = {"reproduction/diverged-reproduction"}
VERDICT = "undecided"


def apply(repo):
    repo.replace("steps.py", 'os.environ.get("AUDITOR_OUT", folder)', "folder")
    repo.commit("Ignore the folder")
    repo.record()
    for path in repo.manifests()[:-1]:
        repo.git("rm", "--quiet", "--force", path)
    repo.commit("Record a run that cannot be replayed")
