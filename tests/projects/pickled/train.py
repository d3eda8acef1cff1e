"""Trains a decision tree and keeps it the way scikit-learn users do: as model.joblib."""

from __future__ import annotations

import json
from pathlib import Path

import joblib
import numpy as np
import yaml
from sklearn.tree import DecisionTreeClassifier


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1], table[:, -1].astype(int)


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    _, train, labels = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    model = DecisionTreeClassifier(max_features=config["max_features"], random_state=config["random_state"])
    model.fit(train, labels)
    prediction = model.predict(test)

    out = Path("out")
    out.mkdir(exist_ok=True)
    joblib.dump(model, out / "model.joblib")
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    metrics = {"accuracy": float(np.mean(prediction == truth))}
    (out / "metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
