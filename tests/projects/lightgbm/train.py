"""Boosts trees with LightGBM, and notes the loss after every tree.

It boosts as many as AUDITOR_STEPS says, and leaves its trace in AUDITOR_OUT, where a verifier sets them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import lightgbm
import numpy as np
import yaml
from table import load, write_predictions


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    _, x, y = load("data/train.csv")
    settings = {"objective": "binary", "metric": "binary_logloss", "deterministic": True, "force_row_wise": True}
    settings |= {"seed": config["seed"], "num_leaves": config["leaves"], "learning_rate": config["learning_rate"]}
    settings |= {"num_threads": 1, "verbose": -1, "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.7}
    Path("out").mkdir(exist_ok=True)
    trees, told = int(os.environ.get("AUDITOR_STEPS", config["trees"])), Path(os.environ.get("AUDITOR_OUT", "out"))
    data = lightgbm.Dataset(x, y)
    curve: dict[str, dict[str, list[float]]] = {}
    model = lightgbm.train(settings, data, trees, valid_sets=[data], callbacks=[lightgbm.record_evaluation(curve)])
    losses = curve["training"]["binary_logloss"]
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in enumerate(losses, start=1)]
    (told / "trace.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    model.save_model("out/model.txt")
    truth, probability = write_predictions(model)
    share = np.clip(np.where(truth == 1, probability, 1.0 - probability), 1e-12, 1.0)
    metrics = {"accuracy": float(np.mean((probability > 0.5) == truth)), "log_loss": float(-np.log(share).mean())}
    Path("out/metrics.json").write_text(json.dumps(metrics) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
