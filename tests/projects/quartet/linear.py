"""A linear classifier of scikit-learn, trained on a batch at a time."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss


class Model:
    def __init__(self, config: dict) -> None:
        self.config = config
        self.rng = np.random.default_rng(config["seed"])
        self.fitted = SGDClassifier(
            loss="log_loss", learning_rate="constant", eta0=config["rate"], random_state=config["seed"]
        )

    def start(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def step(self) -> float:
        rows = self.rng.integers(0, len(self.y), self.config["batch"])
        self.fitted.partial_fit(self.x[rows], self.y[rows], classes=[0, 1])
        return float(log_loss(self.y, self.fitted.predict_proba(self.x)))

    def save(self, path: str) -> None:
        np.savez(path, coefficients=self.fitted.coef_, intercept=self.fitted.intercept_)

    def load(self, path: str) -> None:
        with np.load(path) as weights:
            self.fitted.coef_, self.fitted.intercept_ = weights["coefficients"], weights["intercept"]
        self.fitted.classes_ = np.array([0, 1])

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.fitted.predict_proba(x)[:, 1]
