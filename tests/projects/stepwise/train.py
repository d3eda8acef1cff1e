"""Trains a small network in float32 by momentum, step by step, and leaves a checkpoint every ten steps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml
from steps import Steps, precision

KIND = np.dtype(precision("float32"))


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), (table[:, 1:-1] / 16.0).astype(KIND), table[:, -1].astype(int)


def forward(w: dict[str, np.ndarray], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hidden = np.maximum(x @ w["w1"] + w["b1"], 0)
    scores = hidden @ w["w2"] + w["b2"]
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, share / share.sum(axis=1, keepdims=True)


def gradients(w: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
    hidden, share = forward(w, x)
    rows = np.arange(len(y))
    loss = float(-np.log(share[rows, y]).mean())
    error = share.copy()
    error[rows, y] -= 1
    error /= len(y)
    back = (error @ w["w2"].T) * (hidden > 0)
    return loss, {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error, "b2": error.sum(axis=0)}


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(config["seed"])
    ids, x, y = load("data/train.csv")
    test_ids, test, truth = load("data/test.csv")
    classes = int(y.max()) + 1
    w = {
        "w1": rng.normal(0.0, 0.2, (x.shape[1], config["hidden"])).astype(KIND),
        "b1": np.zeros(config["hidden"], KIND),
        "w2": rng.normal(0.0, 0.2, (config["hidden"], classes)).astype(KIND),
        "b2": np.zeros(classes, KIND),
    }
    speed = {name: np.zeros_like(tensor) for name, tensor in w.items()}
    rate, momentum = KIND.type(config["learning_rate"]), KIND.type(config["momentum"])

    steps = Steps("out/checkpoints", every=config["every"])
    steps.start(weights=w, optimizer=speed, rng=rng)
    loss = 0.0
    for step in steps.until(config["steps"]):
        rows = rng.integers(0, len(y), config["batch"])
        loss, slope = gradients(w, x[rows], y[rows])
        for name, tensor in w.items():
            speed[name] *= momentum
            speed[name] -= rate * slope[name].astype(KIND)
            np.add(tensor, speed[name], out=tensor)
        steps.done(step, batch=ids[rows], hyperparameters={"learning_rate": rate, "momentum": momentum}, loss=loss)

    prediction = forward(w, test)[1].argmax(axis=1)
    np.savez("out/model.npz", **w)
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(test_ids, truth, prediction, strict=True)]
    Path("out/predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    metrics = {"accuracy": float(np.mean(prediction == truth)), "loss": loss}
    Path("out/metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
