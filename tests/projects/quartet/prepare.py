"""Cuts the raw table into training and test rows and brings all features to one scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from tables import load, save


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    ids, x, y = load("data/raw.csv")
    order = np.random.default_rng(config["seed"]).permutation(len(ids))
    cut = int(len(order) * config["share"])
    test, train = order[:cut], order[cut:]
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    Path("work").mkdir(exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        save(f"work/{name}.csv", ids[rows], (x[rows] - mean) / deviation, y[rows])


if __name__ == "__main__":
    main()
