"""The run was made with a change that was not committed, and the recorded patch holds another one."""

from __future__ import annotations

from auditor import digest

CAUGHT_BY = ("code/unrecorded-change",)
START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.record("--allow-dirty")
    patch = repo.claims()["code"]["patch"]["path"]
    repo.replace(patch, "0.2, (x.shape[1]", "0.4, (x.shape[1]")
    repo.edit(lambda claims: claims["code"]["patch"].update(digest=digest.of_file(repo.root / patch)[0]))
    repo.git("checkout", "--quiet", "--", "train.py")
    repo.commit("Record a run")
