"""The run was made with an uncommitted change of the code, and the manifest is edited to say that there was none."""

from __future__ import annotations

CAUGHT_BY = ("code/unrecorded-change", "reproduction/diverged-reproduction")
START = "started"


def apply(repo):
    repo.replace("train.py", "0.3, (x.shape[1]", "0.2, (x.shape[1]")
    repo.record("--allow-dirty")

    def clean(claims):
        claims["code"].pop("patch", None)
        claims["code"]["dirty"] = False

    repo.edit(clean)
    repo.git("checkout", "--quiet", "--", "train.py")
    repo.commit("Record a run")
