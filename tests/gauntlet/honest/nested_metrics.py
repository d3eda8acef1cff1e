"""The metrics are nested by split in their file."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace(
        "train.py",
        '{"accuracy": float(np.mean(prediction == truth)), "loss": loss}',
        '{"test": {"accuracy": float(np.mean(prediction == truth))}, "train": {"loss": loss}}',
    )
    repo.commit("Tell the splits apart")
    repo.record()
    repo.commit("Record a run")
