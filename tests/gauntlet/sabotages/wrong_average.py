"""The macro F1 that is claimed is the micro F1."""

from __future__ import annotations

CAUGHT_BY = ("metrics/wrong-metric",)
START = "started"


def apply(repo):
    repo.replace("train.py", '"loss": loss}', '"loss": loss, "f1": float(np.mean(prediction == truth))}')
    repo.commit("Report F1")
    repo.record()

    def macro(claims):
        accuracy, f1 = (next(m for m in claims["metrics"] if m["name"] == name) for name in ("accuracy", "f1"))
        f1 |= {"kind": "f1", "parameters": {"average": "macro"}, "from": dict(accuracy["from"])}

    repo.edit(macro)
    repo.commit("Record a run")
