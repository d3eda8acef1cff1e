"""The data are said to have been made by a script that is not the committed one."""

from __future__ import annotations

CAUGHT_BY = ("data/changed-transformation",)
START = "started"


def apply(repo):
    repo.write("prepare.py", "import sys\n\nsys.exit('nothing to prepare')\n")
    repo.commit("Prepare the data")
    repo.record()
    step = {"name": "prepare", "code": {"path": "prepare.py", "digest": "sha256:" + "4e" * 32}}
    repo.edit(lambda claims: claims["data"][0].update(transformations=[step]))
    repo.commit("Record a run")
