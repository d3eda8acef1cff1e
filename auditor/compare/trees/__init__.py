"""Reads ensembles of decision trees: structure as integers, thresholds and leaf values as numbers."""

from __future__ import annotations

import re
from typing import Final

_MODEL: Final = re.compile(rb'\s*\{\s*("learner"\s*:\s*\{|"name"\s*:\s*"tree"\s*,)')


def is_model(start: bytes) -> bool:
    """Whether JSON that starts like this is a model, of XGBoost or LightGBM."""
    return _MODEL.match(start) is not None
