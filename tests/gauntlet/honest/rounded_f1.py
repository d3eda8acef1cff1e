"""The program reports a macro F1, rounded to four digits."""

from __future__ import annotations

START = "started"


def apply(repo):
    counts = "[(np.sum((prediction == c) & (truth == c)), np.sum(prediction == c) + np.sum(truth == c)) for c in range(10)]"
    repo.replace("train.py", "    out = Path", f"    f1 = [2 * both / all_ for both, all_ in {counts}]\n    out = Path")
    repo.replace("train.py", '"loss": loss}', '"loss": loss, "f1_macro": round(float(np.mean(f1)), 4)}')
    repo.commit("Report F1")
    repo.record()
    repo.commit("Record a run")
