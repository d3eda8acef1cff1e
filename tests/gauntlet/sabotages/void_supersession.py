"""The run says that it replaces one that nobody ever recorded."""

from __future__ import annotations

CAUGHT_BY = ("lineage/void-supersession",)
START = "started"


def apply(repo):
    repo.record("--supersedes", "sha256:" + "3d" * 32, "--reason", "the first one was wrong")
    repo.commit("Record a run")
