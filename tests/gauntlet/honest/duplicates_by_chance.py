"""Iris holds one row twice, and chance put one copy into each table."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

PROJECT = "layered"
START = "started"


def apply(repo):
    bunch = load_iris()
    order = next(order for order in map(split, range(100)) if (101 in order[:50]) != (142 in order[:50]))
    for name, rows in (("test", order[:50]), ("train", order[50:])):
        lines = [f"{i},{','.join(f'{v:g}' for v in bunch.data[i])},{bunch.target[i]}" for i in rows]
        repo.write(f"data/{name}.csv", "\n".join(["id,x0,x1,x2,x3,label", *lines]) + "\n")
    repo.commit("Use the whole data set")
    repo.record()
    repo.commit("Record a run")


def split(seed):
    return np.random.default_rng(seed).permutation(150).tolist()
