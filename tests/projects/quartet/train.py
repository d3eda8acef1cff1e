"""Trains the model that the configuration names, step by step; a line of its trace for each.

It does as many steps as AUDITOR_STEPS says, and leaves its trace in AUDITOR_OUT, where a verifier sets them.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path

import numpy as np
import yaml
from tables import load, save_predictions


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    ids, test, truth = load("work/test.csv")
    _, x, y = load("work/train.csv")
    model = import_module(config["model"]).Model(config)
    model.start(x, y)
    Path("out").mkdir(exist_ok=True)
    told = Path(os.environ.get("AUDITOR_OUT", "out"))
    told.mkdir(exist_ok=True)
    with (told / "trace.jsonl").open("w", encoding="utf-8") as trace:
        for step in range(1, min(config["steps"], int(os.environ.get("AUDITOR_STEPS", config["steps"]))) + 1):
            trace.write(json.dumps({"step": step, "loss": model.step()}) + "\n")
    model.save(config["weights"])
    probability = model.predict(test)
    save_predictions("out/predictions.csv", ids, truth, probability)
    share = np.clip(np.where(truth == 1, probability, 1.0 - probability), 1e-12, 1.0)
    metrics = {"accuracy": float(np.mean((probability > 0.5) == truth)), "log_loss": float(-np.log(share).mean())}
    Path("out/metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
