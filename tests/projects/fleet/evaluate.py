"""Turns the recorded weights into predictions, without training anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from train import forward, load


def main() -> None:
    with np.load("out/model.npz") as weights:
        w = dict(weights)
    ids, test, truth = load("data/test.csv")
    prediction = forward(w, test)[1].argmax(axis=1)
    lines = ["id,label,prediction"] + [f"{i},{t},{p}" for i, t, p in zip(ids, truth, prediction, strict=True)]
    Path("out/predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
