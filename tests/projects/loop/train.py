"""A numpy loop that leaves a line of JSON for each step and a checkpoint now and then.

It does as many steps as AUDITOR_STEPS says, and leaves its trace in AUDITOR_OUT, where a verifier sets them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import yaml


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1] / 16.0, table[:, -1].astype(int)


def scores(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    raw = x @ w
    raw = np.exp(raw - raw.max(axis=1, keepdims=True))
    return raw / raw.sum(axis=1, keepdims=True)


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    rng = np.random.default_rng(config["seed"])
    _, x, y = load("data/train.csv")
    ids, test, truth = load("data/test.csv")
    w = rng.normal(0.0, 0.1, (x.shape[1], int(y.max()) + 1))
    out = Path("out")
    out.mkdir(exist_ok=True)
    told = Path(os.environ.get("AUDITOR_OUT", "out"))
    told.mkdir(exist_ok=True)
    steps = min(config["steps"], int(os.environ.get("AUDITOR_STEPS", config["steps"])))
    with (told / "trace.jsonl").open("w", encoding="utf-8") as trace:
        for step in range(1, steps + 1):
            rows = rng.integers(0, len(y), config["batch"])
            share = scores(x[rows], w)
            loss = float(-np.log(share[np.arange(len(rows)), y[rows]]).mean())
            share[np.arange(len(rows)), y[rows]] -= 1.0
            w -= config["rate"] * x[rows].T @ share / len(rows)
            trace.write(json.dumps({"step": step, "loss": loss, "first": int(rows[0])}) + "\n")
            if step % config["every"] == 0:
                np.savez(told / f"step-{step:04d}.npz", w=w)
    prediction = scores(test, w).argmax(axis=1)
    np.savez(out / "model.npz", w=w)
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    (out / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (out / "metrics.json").write_text(json.dumps({"accuracy": float(np.mean(prediction == truth))}), encoding="utf-8")


if __name__ == "__main__":
    main()
