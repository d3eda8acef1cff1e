"""Compares one declared output with what a re-execution made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Final

from auditor.compare.curves import banded, compare_reproduced, holds_curves
from auditor.compare.errors import Pickled, Refused
from auditor.compare.metrics import compare_metrics, ignored_metrics, read_metrics_file
from auditor.compare.predictions import compare_predictions
from auditor.compare.source import same_bytes
from auditor.compare.tolerance import prediction_tolerance, tensor_tolerance
from auditor.errors import EmptySelectionError, UndecidableError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement

_CLAIMING: Final = frozenset({"weights", "checkpoint", "predictions", "labels", "metrics"})
_LABELS: Final = Tolerance(source="labels are exact")

_ARRAYS: Final = frozenset({".npy", ".npz", ".safetensors"})


def compare_artifact(  # noqa: PLR0913 - two files, what they are called, and by which rules they are judged
    expected: Path, actual: Path, *, path: str, role: str, tolerances: Tolerances, same_executor: bool
) -> tuple[Comparison, ...]:
    """What two versions of the declared output ``path`` have in common, judged by its role.

    Equal bytes are one bitwise ``file:PATH``, whatever is in them. Otherwise weights are compared tensor by tensor,
    predictions cell by cell, labels exactly, metrics figure by figure. Pickles are never loaded: unequal ones are
    ``inconclusive``. Curves of a trace count where a band knows them. A log, plot or other file that differs is listed as
    ``not-exercised``, which does not count.
    Add the result up by :func:`auditor.compare.summary.agreement`. Never raises over what the files hold.

    Args:
        expected: the recorded file.
        actual: the file that was produced now.
        path: what to call it.
        role: an artifact role of the manifest.
        tolerances: of the policy.
        same_executor: whether both come from one executor class, where ``auto`` means exact.
    """
    try:
        if same_bytes(expected, actual):
            return (_equal(actual, path, role),)
        claims = _Claims(expected, actual, path, tolerances, same_executor=same_executor)
        return claims.compare(role)
    except Pickled as refusal:
        note = f"unequal bytes, and {refusal.message}; {refusal.hint}"
        return (_unreadable(Agreement.INCONCLUSIVE, path, note),)
    except Refused as refusal:
        return (_unreadable(Agreement.REFUSED, path, refusal.message),)
    except EmptySelectionError:
        return (_missing(expected, path),)
    except UndecidableError as error:
        note = error.message if error.hint is None else f"{error.message}; {error.hint}"
        return (_unreadable(Agreement.INCONCLUSIVE, path, note),)


@dataclass(frozen=True, slots=True)
class _Claims:
    """Two versions of one output whose bytes differ."""

    expected: Path
    actual: Path
    path: str
    tolerances: Tolerances
    _: KW_ONLY
    same_executor: bool

    def compare(self, role: str) -> tuple[Comparison, ...]:
        match role:
            case "weights" | "checkpoint":
                return self._weights(self._tensor)
            case "predictions" | "labels":
                return self._table(exact=role == "labels")
            case "metrics":
                return self._metrics()
            case "trace":
                return self._trace()
            case _:
                return self._nothing(role)

    def _nothing(self, role: str) -> tuple[Comparison, ...]:
        note = f"other bytes; a file of role {role} claims nothing that could diverge"
        return (Comparison(of=f"file:{self.path}", agreement=Agreement.NOT_EXERCISED, note=note),)

    def _trace(self) -> tuple[Comparison, ...]:
        """Curves that cannot be read claim nothing, unless a band is about them."""
        try:
            if holds_curves(self.expected) and holds_curves(self.actual):
                return compare_reproduced(self.expected, self.actual, of=self.path, tolerances=self.tolerances)
        except (Refused, UndecidableError):
            if banded(self.tolerances):
                raise
        return self._nothing("trace")

    def _table(self, *, exact: bool) -> tuple[Comparison, ...]:
        if self.actual.suffix.lower() in _ARRAYS:
            return self._weights((lambda _name, _dtype: _LABELS) if exact else self._prediction)
        tolerance = prediction_tolerance(self.tolerances, self.path, same_executor=self.same_executor)
        return (compare_predictions(self.expected, self.actual, of=self.path, tolerance=_LABELS if exact else tolerance),)

    def _weights(self, tolerance_for: Callable[[str, str], Tolerance]) -> tuple[Comparison, ...]:
        from auditor.compare.weights import compare_weights  # noqa: PLC0415 - numpy is loaded for arrays only

        return compare_weights(self.expected, self.actual, of=self.path, tolerance_for=tolerance_for)

    def _tensor(self, name: str, dtype: str) -> Tolerance:
        return tensor_tolerance(self.tolerances, name or self.path, dtype, same_executor=self.same_executor)

    def _prediction(self, name: str, dtype: str) -> Tolerance:
        if dtype != "float32":
            return self._tensor(name, dtype)
        return prediction_tolerance(self.tolerances, name or self.path, same_executor=self.same_executor)

    def _metrics(self) -> tuple[Comparison, ...]:
        """A file of ignored metrics alone claims nothing: it is not-exercised and does not count."""
        left, right = read_metrics_file(self.expected), read_metrics_file(self.actual)
        listed = ignored_metrics(left, right, self.tolerances)
        if not left and not right:
            note = "neither file holds any figure"
            return (Comparison(of=f"file:{self.path}", agreement=Agreement.INCONCLUSIVE, note=note),)
        return *compare_metrics(left, right, self.tolerances), *listed


def _equal(actual: Path, path: str, role: str) -> Comparison:
    """Equal bytes: bitwise, unless there are none of something that claims to be something."""
    if role in _CLAIMING and not actual.stat().st_size:
        return _unreadable(Agreement.INCONCLUSIVE, path, "both files are empty")
    return Comparison(of=f"file:{path}", agreement=Agreement.BITWISE, excess=0.0)


def _missing(expected: Path, path: str) -> Comparison:
    """Without the record there is nothing to judge by; without the product the record was not reproduced."""
    if not expected.exists():
        return _unreadable(Agreement.INCONCLUSIVE, path, "the recorded file is not here")
    return _unreadable(Agreement.DIVERGED, path, "it was not produced")


def _unreadable(agreement: Agreement, path: str, note: str) -> Comparison:
    return Comparison(of=f"file:{path}", agreement=agreement, note=note)
