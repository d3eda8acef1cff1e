"""A library lies in a submodule, which this clone has."""

from __future__ import annotations

from workbench import Repo

START = "started"


def apply(repo):
    library = Repo(repo.root.parent / "library", repo.env).init()
    library.write("scale.py", "START = 0.3\n")
    library.commit("Begin")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.root.as_uri(), "vendor/library")
    repo.replace("train.py", "import json\n", 'import json\nimport sys\n\nsys.path.append("vendor/library")\n')
    repo.replace("train.py", "def main() -> None:\n", "def main() -> None:\n    from scale import START\n\n")
    repo.replace("train.py", "0.3, (x.shape[1]", "START, (x.shape[1]")
    repo.commit("Use a library")
    repo.record()
    repo.commit("Record a run")
