"""The data and the predictions, which training and evaluation share."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1], table[:, -1].astype(int)


def write_predictions(model: lightgbm.Booster) -> tuple[np.ndarray, np.ndarray]:
    """Label and probability of every test row, written as a table."""
    ids, test, truth = load("data/test.csv")
    probability = np.asarray(model.predict(test, num_threads=1))
    rows = zip(ids, truth, (probability > 0.5).astype(int), probability.tolist(), strict=True)
    lines = ["id,label,prediction,probability"] + [f"{i},{t},{p},{q!r}" for i, t, p, q in rows]
    Path("out/predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return truth, probability
