"""The pickled model is replaced by one that runs a command when it is loaded, with every digest put right."""

from __future__ import annotations

from forgery import settle

CAUGHT_BY = ("security/malicious-pickle",)
PROJECT = "pickled"


def apply(repo):
    repo.write("out/model.joblib", b"cos\nsystem\n(S'true'\ntR.")
    settle(repo)
    repo.commit("Update the model")
