"""A pickle lies under the name of an npz archive, with every digest put right."""

from __future__ import annotations

import pickle

from forgery import settle

CAUGHT_BY = ("artifacts/misdeclared-format",)


def apply(repo):
    repo.write("out/model.npz", pickle.dumps({"w1": [0.0] * 64}))
    settle(repo)
    repo.commit("Save the model as a dictionary")
