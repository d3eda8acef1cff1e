"""The accuracy that the program reports as its test accuracy is that on the training data."""

from __future__ import annotations

CAUGHT_BY = ("metrics/wrong-metric",)
START = "started"


def apply(repo):
    repo.replace("train.py", "np.mean(prediction == truth)", "np.mean(forward(w, x)[1].argmax(axis=1) == y)")
    repo.commit("Report the accuracy")
    repo.record()
    repo.commit("Record a run")
