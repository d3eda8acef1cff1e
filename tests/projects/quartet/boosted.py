"""Trees that LightGBM boosts, a round at a time, each on a sample of rows and features."""

from __future__ import annotations

import lightgbm
import numpy as np


class Model:
    def __init__(self, config: dict) -> None:
        self.config = config

    def start(self, x: np.ndarray, y: np.ndarray) -> None:
        settings = {"objective": "binary", "metric": "binary_logloss", "seed": self.config["seed"], "verbose": -1}
        settings |= {"num_threads": self.config["threads"], "learning_rate": 4 * self.config["rate"]}
        settings |= {"bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}
        self.booster = lightgbm.Booster(settings, lightgbm.Dataset(x, y))

    def step(self) -> float:
        self.booster.update()
        return float(self.booster.eval_train()[0][2])

    def save(self, path: str) -> None:
        self.booster.save_model(path)

    def load(self, path: str) -> None:
        self.booster = lightgbm.Booster(model_file=path)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.booster.predict(x, num_threads=self.config["threads"])
