"""A small network trained in float32 by momentum, kept at every tenth step: what segments are forged and replayed on.

``python tests/bench/trajectory.py FOLDER COUNT`` replays the first COUNT segments of the run in FOLDER, in whatever numeric
environment it is started with, and leaves where they arrived in ``replayed.npz``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

STEPS = 10
NAMES = ("w1", "b1", "w2")


@dataclass(frozen=True)
class State:
    """Weights and momentum after some step."""

    weights: dict[str, np.ndarray]
    speed: dict[str, np.ndarray]


@dataclass
class Task:
    """The data, and the order in which rows are seen: fixed by the step alone, so that a segment needs no history."""

    rows: int = 600
    x: np.ndarray = field(init=False)
    y: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(7)
        self.x = rng.normal(size=(self.rows, 40)).astype("f")
        self.y = (np.sin(self.x @ rng.normal(size=40)) > 0).astype("f")

    def batch(self, step: int) -> np.ndarray:
        return np.random.default_rng([11, step]).integers(0, self.rows, 32)

    def begin(self, seed: int) -> State:
        rng = np.random.default_rng(seed)
        weights = {
            "w1": rng.normal(0, 0.3, (40, 64)).astype("f"),
            "b1": np.zeros(64, "f"),
            "w2": rng.normal(0, 0.3, 64).astype("f"),
        }
        return State(weights, {name: np.zeros_like(array) for name, array in weights.items()})

    def train(self, state: State, first: int, *, rate: float = 0.05, swap: int | None = None) -> State:
        """STEPS steps after step ``first``; ``swap`` replaces one row of that step of the segment."""
        w, speed = ({n: a.copy() for n, a in part.items()} for part in (state.weights, state.speed))
        for offset in range(STEPS):
            rows = self.batch(first + offset)
            if offset == swap:
                rows[0] = (rows[0] + 1) % self.rows
            x, y = self.x[rows], self.y[rows]
            hidden = np.maximum(x @ w["w1"] + w["b1"], 0)
            error = (1 / (1 + np.exp(-(hidden @ w["w2"]))) - y).astype("f") / np.float32(len(y))
            back = np.outer(error, w["w2"]) * (hidden > 0)
            slope = {"w1": x.T @ back, "b1": back.sum(axis=0), "w2": hidden.T @ error}
            for name in NAMES:
                speed[name] = np.float32(0.9) * speed[name] - np.float32(rate) * slope[name]
                w[name] = w[name] + speed[name]
        return State(w, speed)

    def run(self, segments: int, seed: int = 0) -> list[State]:
        states = [self.begin(seed)]
        for segment in range(segments):
            states.append(self.train(states[-1], segment * STEPS))
        return states


def stored(states: list[State]) -> dict[str, np.ndarray]:
    return {
        f"{part}/{name}": np.stack([getattr(state, part)[name] for state in states])
        for part in ("weights", "speed")
        for name in NAMES
    }


def loaded(path: Path) -> list[State]:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    count = len(arrays["weights/w1"])
    return [
        State(*({name: arrays[f"{part}/{name}"][i] for name in NAMES} for part in ("weights", "speed")))
        for i in range(count)
    ]


if __name__ == "__main__":
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    task, states = Task(), loaded(folder / "run.npz")
    np.savez(folder / "replayed.npz", **stored([task.train(states[i], i * STEPS) for i in range(count)]))
