"""Trains a logistic regression, whose outcome no seed can change, and writes its results to out/."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from sklearn.linear_model import LogisticRegression


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1], table[:, -1].astype(int)


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    _, train, labels = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    mean, scale = train.mean(axis=0), train.std(axis=0)
    model = LogisticRegression(C=config["penalty"], max_iter=500, random_state=config["seed"])
    model.fit((train - mean) / scale, labels)
    probability = model.predict_proba((test - mean) / scale)[:, 1]
    prediction = (probability > 0.5).astype(int)

    out = Path("out")
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", coefficients=model.coef_, intercept=model.intercept_, mean=mean, scale=scale)
    lines = ["id,label,prediction,probability"]
    lines += [f"{i},{t},{p},{q!r}" for i, t, p, q in zip(ids, truth, prediction, probability.tolist(), strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    metrics = {"accuracy": float(np.mean(prediction == truth))}
    (out / "metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
