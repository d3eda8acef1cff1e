"""Trains a small network the way a fleet of workers does: each has a shard of the batch, and gradients are averaged.

The effective configuration arrives as JSON through AUDITOR_CONFIG, so that a verifier can ask for fewer steps.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1] / 16.0, table[:, -1].astype(int)


def forward(w: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.maximum(x @ w["w1"] + w["b1"], 0.0)
    scores = hidden @ w["w2"] + w["b2"]
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, share / share.sum(axis=1, keepdims=True)


def gradients(w: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """What one worker finds on its shard."""
    hidden, error = forward(w, x)
    error[np.arange(len(y)), y] -= 1.0
    error /= len(y)
    back = (error @ w["w2"].T) * (hidden > 0.0)
    return {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}


def main() -> None:
    config = json.loads(Path(os.environ["AUDITOR_CONFIG"]).read_text(encoding="utf-8"))
    rng = np.random.default_rng(config["seed"])
    _, x, y = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    classes = int(y.max()) + 1
    w = {
        "w1": rng.normal(0.0, 0.2, (x.shape[1], config["hidden"])),
        "b1": np.zeros(config["hidden"]),
        "w2": rng.normal(0.0, 0.2, (config["hidden"], classes)),
        "b2": np.zeros(classes),
    }
    speed = {name: np.zeros_like(tensor) for name, tensor in w.items()}
    for _step in range(config["steps"]):
        shards = np.array_split(rng.choice(len(y), config["batch"], replace=False), config["workers"])
        found = [gradients(w, x[rows], y[rows]) for rows in shards]
        for name, tensor in w.items():
            mean = sum(one[name] for one in found) / len(found)
            speed[name] = config["momentum"] * speed[name] - config["learning_rate"] * mean
            np.add(tensor, speed[name], out=tensor)
    probability = forward(w, test)[1]
    prediction = probability.argmax(axis=1)

    out = Path("out")
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", **w)
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    loss = float(-np.log(probability[np.arange(len(truth)), truth]).mean())
    metrics = {"accuracy": float(np.mean(prediction == truth)), "test_loss": loss}
    (out / "metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
