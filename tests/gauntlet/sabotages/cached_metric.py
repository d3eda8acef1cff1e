"""The accuracy is read from a file that was committed long ago."""

from __future__ import annotations

CAUGHT_BY = ("metrics/wrong-metric",)
START = "started"


def apply(repo):
    repo.write("best.json", '{"accuracy": 0.9933333333333333}\n')
    repo.replace(
        "train.py",
        '{"accuracy": float(np.mean(prediction == truth)), "loss": loss}',
        '{"accuracy": json.loads(Path("best.json").read_text())["accuracy"], "loss": loss}',
    )
    repo.commit("Change the program")
    repo.record()
    repo.commit("Record a run")
