"""One long segment at a high learning rate, recorded with other kernels: between the gates, where only noise can decide."""

from __future__ import annotations

import yaml
from workbench import load_yaml

PROJECT = "stepwise"
START = "challenged"


def apply(repo):
    (old,) = repo.manifests()
    repo.git("rm", "--quiet", "--force", old)
    config = load_yaml(repo.read("conf/base.yaml")) | {"steps": 100, "every": 100, "learning_rate": 0.5}
    repo.write("conf/base.yaml", yaml.safe_dump(config))
    repo.commit("Train faster")
    repo.extra |= {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "1"}
    repo.record()
    repo.extra.clear()
    # On a machine that has these kernels by nature nothing asks for them.
    repo.edit(lambda claims: claims["environment"]["variables"].pop("OPENBLAS_CORETYPE"))
    repo.commit("Record on another machine")
