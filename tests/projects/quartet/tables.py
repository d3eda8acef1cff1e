"""Tables with an id, features and a label."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def load(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    return table[:, 0].astype(int), table[:, 1:-1], table[:, -1].astype(int)


def save(path: str, ids: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    lines = [",".join(["id", *(f"x{i}" for i in range(x.shape[1])), "label"])]
    lines += [",".join([str(i), *map(repr, row.tolist()), str(label)]) for i, row, label in zip(ids, x, y, strict=True)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def save_predictions(path: str, ids: np.ndarray, truth: np.ndarray, probability: np.ndarray) -> None:
    rows = zip(ids, truth, probability > 0.5, probability.astype(np.float64).tolist(), strict=True)
    lines = ["id,label,prediction,probability"] + [f"{i},{t},{int(p)},{q!r}" for i, t, p, q in rows]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
