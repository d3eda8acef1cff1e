"""Trains a random forest on the table in data/ and writes its model, predictions and metrics to out/."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import yaml
from sklearn.ensemble import RandomForestClassifier

ARRAYS = ("feature", "threshold", "children_left", "children_right", "value")


def load(path: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    features = np.array([row[1:-1] for row in rows], dtype=np.float64)
    return [row[0] for row in rows], features, np.array([int(row[-1]) for row in rows])


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    _, train, labels = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    model = RandomForestClassifier(config["trees"], max_depth=config["depth"], random_state=config["seed"], n_jobs=1)
    model.fit(train, labels)
    probability = model.predict_proba(test)[:, 1]
    prediction = model.classes_[model.predict_proba(test).argmax(axis=1)]

    out = Path("out")
    out.mkdir(exist_ok=True)
    trees = {f"tree{i}/{name}": getattr(t.tree_, name) for i, t in enumerate(model.estimators_) for name in ARRAYS}
    np.savez(out / "model.npz", **trees)
    with (out / "predictions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "label", "prediction", "probability"])
        writer.writerows(zip(ids, truth.tolist(), prediction.tolist(), probability.tolist(), strict=True))
    metrics = {"accuracy": float(np.mean(prediction == truth))}
    (out / "metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
