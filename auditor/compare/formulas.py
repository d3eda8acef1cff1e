"""Which metric a name means, and its value by exact arithmetic: counts as integers, sums by :func:`math.fsum`.

Definitions are scikit-learn's (its ``metrics`` user guide), an undefined precision, recall or F1 being 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from auditor.compare import counts, residuals, scores
from auditor.compare.errors import Unrecomputable
from auditor.compare.samples import Sample
from auditor.model.run import MetricParameters

_SPLITS: Final = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "eval", "evaluation", "dev", "holdout"}
)
_NAMES: Final = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "accuracy_score": "accuracy",
    "error_rate": "error_rate",
    "misclassification_rate": "error_rate",
    "zero_one_loss": "error_rate",
    "balanced_accuracy": "balanced_accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "top_k_accuracy": "top_k_accuracy",
    "top_k_accuracy_score": "top_k_accuracy",
    "log_loss": "log_loss",
    "logloss": "log_loss",
    "brier": "brier",
    "brier_score": "brier",
    "brier_score_loss": "brier",
    "perplexity": "perplexity",
    "ppl": "perplexity",
    "mse": "mse",
    "mean_squared_error": "mse",
    "rmse": "rmse",
    "root_mean_squared_error": "rmse",
    "mae": "mae",
    "mean_absolute_error": "mae",
    "mape": "mape",
    "mean_absolute_percentage_error": "mape",
    "r2": "r2",
    "r2_score": "r2",
    "r_squared": "r2",
}
_AVERAGE: Final = "macro|micro|weighted|binary"
_AVERAGED: Final = re.compile(
    rf"(?:(?P<before>{_AVERAGE})_)?(?P<kind>f1|precision|recall)(?:_score)?(?:_(?P<after>{_AVERAGE}))?"
)
_RANKED: Final = re.compile(
    r"(?:(?P<before>macro|weighted)_)?(?:(?P<roc>roc_auc|rocauc|auroc|auc)|average_precision)(?:_score)?(?(roc)(?:_ovr)?)"
    r"(?:_(?P<after>macro|weighted))?"
)
_TOP: Final = re.compile(
    r"top_?(?P<before>[1-9][0-9]{0,4})(?:_acc(?:uracy)?)?|acc(?:uracy)?_top_?(?P<after>[1-9][0-9]{0,4})"
)
REGRESSION: Final = frozenset({"mse", "rmse", "mae", "mape", "r2"})
SHARES: Final = frozenset({"accuracy", "error_rate", "top_k_accuracy"})
"""Metrics that are a number of rows divided by all: they move in steps of 1/n."""
_COLUMN: Final = {
    "log_loss": "probability",
    "brier": "probability",
    "roc_auc": "probability",
    "average_precision": "probability",
    "top_k_accuracy": "probability",
    "perplexity": "logarithm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A metric that can be computed: ``name``, how classes are ``average``d, and how many guesses a row has (``k``)."""

    name: str
    average: str | None = None
    k: int | None = None

    def __str__(self) -> str:
        name = self.name if self.k is None else f"top_{self.k}_accuracy"
        return f"{name}_{self.average}" if self.average else name

    @property
    def column(self) -> str:
        """Which column it is computed from, besides the labels."""
        return _COLUMN.get(self.name, "prediction")


def kind_of(name: str, parameters: MetricParameters | None = None) -> Kind | None:
    """What a metric's name or kind means, its split taken off (``test_accuracy``, ``val/f1_macro``); None for no idea."""
    words = [word for word in re.split(r"[\s_/.\-]+", name.strip().lower()) if word]
    while len(words) > 1 and words[0] in _SPLITS:
        words = words[1:]
    while len(words) > 1 and words[-1] in _SPLITS:
        words = words[:-1]
    bare = "_".join(words)
    parameters = parameters or MetricParameters()
    if bare in _NAMES:
        found = _NAMES[bare]
        if found in {"accuracy", "top_k_accuracy"} and parameters.k is not None:
            return Kind(name="top_k_accuracy", k=parameters.k)
        return None if found == "top_k_accuracy" else Kind(name=found)
    if match := _TOP.fullmatch(bare):
        return Kind(name="top_k_accuracy", k=int(match["before"] or match["after"]))
    if match := _AVERAGED.fullmatch(bare):
        return Kind(name=match["kind"], average=match["before"] or match["after"] or parameters.average)
    if match := _RANKED.fullmatch(bare):
        average = match["before"] or match["after"] or parameters.average
        return Kind(name="roc_auc" if match["roc"] else "average_precision", average=average)
    return None


def compute(kind: Kind, sample: Sample, parameters: MetricParameters | None = None) -> float:
    """The metric's value.

    Raises:
        Unrecomputable: values or parameters for which it is not defined.
    """
    parameters = parameters or MetricParameters()
    if not sample.rows:
        raise Unrecomputable("there are no rows")
    if parameters.k is not None and kind.k != parameters.k:
        raise Unrecomputable(f"{kind} has no parameter k, or another one")
    if parameters.threshold is not None and kind.name not in _DECIDED:
        raise Unrecomputable(f"{kind} has no parameter threshold")
    value = _FORMULAS[kind.name](kind, sample, parameters)
    if not math.isfinite(value):
        raise Unrecomputable("its value is not finite")
    return value


_Formula = Callable[[Kind, Sample, MetricParameters], float]


def _counted(metric: Callable[[Sample, MetricParameters], float]) -> _Formula:
    return lambda _kind, sample, parameters: metric(sample, parameters)


def _averaged(kind: Kind, sample: Sample, parameters: MetricParameters) -> float:
    return counts.averaged(kind.name, kind.average, sample, parameters)


def _plain(metric: Callable[[Sample], float]) -> _Formula:
    return lambda _kind, sample, _parameters: metric(sample)


_FORMULAS: Final[dict[str, _Formula]] = {
    "accuracy": _counted(counts.accuracy),
    "error_rate": _counted(counts.error_rate),
    "balanced_accuracy": _counted(counts.balanced_accuracy),
    "top_k_accuracy": lambda kind, sample, _parameters: scores.top_k_accuracy(sample, kind.k or 1),
    "f1": _averaged,
    "precision": _averaged,
    "recall": _averaged,
    "roc_auc": lambda kind, sample, parameters: scores.roc_auc(sample, kind.average, parameters),
    "average_precision": lambda kind, sample, parameters: scores.average_precision(sample, kind.average, parameters),
    "log_loss": _counted(scores.log_loss),
    "brier": _counted(scores.brier),
    "perplexity": _plain(scores.perplexity),
    "mse": _plain(residuals.mse),
    "rmse": _plain(residuals.rmse),
    "mae": _plain(residuals.mae),
    "mape": _plain(residuals.mape),
    "r2": _plain(residuals.r2),
}
_DECIDED: Final = frozenset({"accuracy", "error_rate", "balanced_accuracy", "f1", "precision", "recall"})
