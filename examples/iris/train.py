"""Trains softmax regression on iris by stochastic gradient descent: small, seeded, and with numpy alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

HERE = Path("examples")


def settings() -> dict[str, float]:
    """The configuration: one ``key: number`` a line."""
    lines = (HERE / "iris" / "conf.yaml").read_text(encoding="utf-8").splitlines()
    return {key: float(value) for key, _, value in (line.partition(":") for line in lines)}


def table(name: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Ids, features with a column of ones, and labels."""
    with (HERE / "iris" / name).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))[1:]
    features = np.array([[float(x) for x in row[1:-1]] for row in rows])
    return (
        [row[0] for row in rows],
        np.column_stack([features, np.ones(len(rows))]),
        np.array([int(row[-1]) for row in rows]),
    )


def main() -> None:
    """Train, predict, and write down what came out."""
    conf = settings()
    random = np.random.default_rng(int(conf["seed"]))
    _, x, y = table("train.csv")
    weights = random.normal(0.0, 0.1, (x.shape[1], 3))
    for _ in range(int(conf["epochs"])):
        order = random.permutation(len(x))
        for start in range(0, len(order), int(conf["batch"])):
            chosen = order[start : start + int(conf["batch"])]
            scores = x[chosen] @ weights
            share = np.exp(scores - scores.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            share[np.arange(len(chosen)), y[chosen]] -= 1.0
            weights -= conf["rate"] * x[chosen].T @ share / len(chosen)
    ids, x, y = table("test.csv")
    predicted = (x @ weights).argmax(axis=1)
    out = HERE / "out"
    out.mkdir(exist_ok=True)
    np.savez(out / "model.npz", weights=weights)
    with (out / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "label", "prediction"])
        writer.writerows(zip(ids, y.tolist(), predicted.tolist(), strict=True))
    accuracy = float((predicted == y).mean())
    (out / "metrics.json").write_text(json.dumps({"accuracy": accuracy}), encoding="utf-8")


if __name__ == "__main__":
    main()
