"""Turns the recorded model into predictions, without training anything."""

from __future__ import annotations

import lightgbm
from table import write_predictions

if __name__ == "__main__":
    write_predictions(lightgbm.Booster(model_file="out/model.txt"))
