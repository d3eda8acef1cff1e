"""Turns recorded weights into predictions, without training anything."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import yaml
from tables import load, save_predictions


def main() -> None:
    config = yaml.safe_load(Path("conf/base.yaml").read_text(encoding="utf-8"))
    model = import_module(config["model"]).Model(config)
    model.load(config["weights"])
    ids, test, truth = load("work/test.csv")
    save_predictions("out/predictions.csv", ids, truth, model.predict(test))


if __name__ == "__main__":
    main()
