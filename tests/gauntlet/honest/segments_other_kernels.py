"""The run was recorded with other kernels of its linear algebra than the ones that replay it."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"


def apply(repo):
    (old,) = repo.manifests()
    repo.git("rm", "--quiet", "--force", old)
    repo.extra |= {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "1"}
    repo.record()
    repo.extra.clear()
    # On a machine that has these kernels by nature nothing asks for them.
    repo.edit(lambda claims: claims["environment"]["variables"].pop("OPENBLAS_CORETYPE"))
    repo.commit("Record on another machine")
