"""Trains a small classifier of handwritten digits, by the seed and the settings of conf/base.yaml."""

from __future__ import annotations

import csv
import json
import os
import warnings
from pathlib import Path

import numpy as np
import yaml
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def table(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ids, pixels and labels of one CSV file."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return rows[:, 0].astype(int), rows[:, 1:-1] / 16, rows[:, -1].astype(int)


def main() -> None:
    """Train, predict, measure, and write all three down."""
    config = yaml.safe_load(Path(os.environ.get("AUDITOR_CONFIG", "conf/base.yaml")).read_text(encoding="utf-8"))
    _, pixels, labels = table("data/train.csv")
    ids, unseen, truth = table("data/test.csv")
    warnings.simplefilter("ignore", ConvergenceWarning)
    model = MLPClassifier(
        hidden_layer_sizes=(config["hidden"],),
        learning_rate_init=config["learning_rate"],
        max_iter=config["epochs"],
        random_state=config["seed"],
    )
    model.fit(pixels, labels)
    predictions = model.predict(unseen)

    out = Path("out")
    out.mkdir(exist_ok=True)
    layers = {f"weights_{i}": weights for i, weights in enumerate(model.coefs_)}
    np.savez(out / "model.npz", **layers, **{f"bias_{i}": bias for i, bias in enumerate(model.intercepts_)})
    with (out / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "label", "prediction"])
        writer.writerows(zip(ids.tolist(), truth.tolist(), predictions.tolist(), strict=True))
    accuracy = float(np.mean(predictions == truth))
    (out / "metrics.json").write_text(json.dumps({"accuracy": accuracy}), encoding="utf-8")


if __name__ == "__main__":
    main()
