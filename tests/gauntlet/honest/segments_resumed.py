"""Training was interrupted and went on from a checkpoint."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"


def apply(repo):
    checkpoint = repo.root / "out/checkpoints/step-00000040.npz"
    for path in checkpoint.parent.glob("step-*.npz"):
        if path.name > checkpoint.name:
            path.unlink()
    (old,) = repo.manifests()
    repo.git("rm", "--quiet", "--force", old)
    repo.commit("Begin again")
    repo.extra |= {"AUDITOR_RESUME": str(checkpoint)}
    repo.record()
    repo.extra.clear()
    repo.commit("Record the run that went on")
