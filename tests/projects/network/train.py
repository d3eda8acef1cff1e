"""Trains a small neural network in a plain numpy loop and writes its weights, predictions and metrics to out/."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1] / 16.0, table[:, -1].astype(int)


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def forward(w: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.tanh(x @ w["w1"] + w["b1"])
    return hidden, softmax(hidden @ w["w2"] + w["b2"])


def step(w: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray, rate: float) -> float:
    hidden, probability = forward(w, x)
    rows = np.arange(len(y))
    loss = float(-np.log(probability[rows, y]).mean())
    error = probability.copy()
    error[rows, y] -= 1.0
    error /= len(y)
    back = (error @ w["w2"].T) * (1.0 - hidden**2)
    w["w2"] -= rate * (hidden.T @ error)
    w["b2"] -= rate * error.sum(axis=0)
    w["w1"] -= rate * (x.T @ back)
    w["b1"] -= rate * back.sum(axis=0)
    return loss


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(config["seed"])
    _, x, y = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    classes = int(y.max()) + 1
    w = {
        "w1": rng.normal(0.0, 0.3, (x.shape[1], config["hidden"])),
        "b1": np.zeros(config["hidden"]),
        "w2": rng.normal(0.0, 0.3, (config["hidden"], classes)),
        "b2": np.zeros(classes),
    }
    loss = 0.0
    for _epoch in range(config["epochs"]):
        order = rng.permutation(len(y))
        for start in range(0, len(y), config["batch"]):
            rows = order[start : start + config["batch"]]
            loss = step(w, x[rows], y[rows], config["learning_rate"])
    prediction = forward(w, test)[1].argmax(axis=1)

    out = Path("out")
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", **w)
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    metrics = {"accuracy": float(np.mean(prediction == truth)), "loss": loss}
    (out / "metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
