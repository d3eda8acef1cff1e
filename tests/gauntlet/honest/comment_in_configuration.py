"""A comment is added to the configuration after the recording."""

from __future__ import annotations


def apply(repo):
    repo.write("conf/base.yaml", "# Chosen by hand.\n" + repo.read("conf/base.yaml"))
    repo.commit("Explain")
