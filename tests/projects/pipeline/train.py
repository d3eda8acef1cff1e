"""Trains logistic regression by stochastic gradient descent on what the stage before made."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml


def load(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(Path("work", f"{name}.csv"), delimiter=",", skiprows=1)
    return table[:, 0].astype(int), np.column_stack([table[:, 1:-1], np.ones(len(table))]), table[:, -1]


def main() -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["train"]
    rng = np.random.default_rng(settings["seed"])
    _, x, y = load("train")
    weights = rng.normal(size=x.shape[1])
    for _ in range(settings["steps"]):
        rows = rng.integers(len(x), size=32)
        weights -= 0.1 * x[rows].T @ (1 / (1 + np.exp(-x[rows] @ weights)) - y[rows]) / 32
    ids, x, y = load("test")
    prediction = (x @ weights > 0).astype(int)
    out = Path("out")
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", weights=weights)
    lines = [f"{i},{int(t)},{p}" for i, t, p in zip(ids, y, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(["id,label,prediction", *lines]) + "\n", encoding="utf-8")
    (out / "metrics.json").write_text(json.dumps({"accuracy": float(np.mean(prediction == y))}), encoding="utf-8")


if __name__ == "__main__":
    main()
