"""A run that failed is kept beside the one that succeeded."""

from __future__ import annotations


def apply(repo):
    repo.write("broken.py", "import sys\n\nsys.exit('out of memory')\n")
    repo.commit("Try something")
    repo.auditor("record", "--name", "broken", "--config", "conf/base.yaml", "--", "python", "broken.py").expect(1)
    assert len(repo.manifests()) == 2
    repo.commit("Keep the failure")
