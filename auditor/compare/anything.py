"""Compares any two files of one kind: tensors, tables of predictions, figures, manifests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from auditor.compare.curves import compare_trace_files, holds_curves
from auditor.compare.errors import Refused
from auditor.compare.explain import Difference, explain
from auditor.compare.flips import flips_between
from auditor.compare.formulas import kind_of
from auditor.compare.metrics import compare_metric, ignored_metrics, read_metrics_file
from auditor.compare.predictions import churn, compare_predictions
from auditor.compare.recompute import load_sample, recompute_sample
from auditor.compare.source import Source
from auditor.compare.summary import agreement, worst_first
from auditor.compare.tables import TABLE_SUFFIXES, open_table
from auditor.compare.tolerance import chosen_tolerance, is_ignored
from auditor.compare.trees import is_model
from auditor.errors import UndecidableError, UsageError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.policy import Tolerances
from auditor.model.words import Agreement

if TYPE_CHECKING:
    from auditor.compare.runs import Ask

SCHEMA: Final = "auditor/comparison/v1"


class FileKind(StrEnum):
    """What a file is, as far as comparing goes."""

    TENSORS = "tensors"
    TABLE = "a table"
    TRACE = "curves"
    FIGURES = "figures"
    MANIFEST = "a manifest"
    COLUMN = "arrays"  # weights, or predictions when a metric is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asked for."""

    rtol: float | None = None
    atol: float | None = None
    labels: Path | None = None
    metric: str | None = None
    explain: bool = False
    start: Path | None = None
    step: str | None = None
    horizon: int | None = None
    ask: Ask | None = None

    def tolerance(self, _name: str, dtype: str) -> Tolerance:
        """The tolerance for a tensor of this dtype, or for figures (``float64``)."""
        return chosen_tolerance(dtype, relative=self.rtol, absolute=self.atol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All comparisons, worst first, and for explained manifests the claims that differ by heading."""

    comparisons: tuple[Comparison, ...]
    differences: Mapping[str, tuple[Difference, ...]] | None = None

    @property
    def agreement(self) -> Agreement:
        """The worst of what counts."""
        return agreement(self.comparisons)


def compare(expected: Path, actual: Path, options: Options) -> Compared:
    """Whether two files agree.

    What cannot be read safely is a ``refused`` comparison, what cannot be decided an ``inconclusive`` one.

    Raises:
        EmptySelectionError: a path without a file.
        UsageError: files of different kinds, or options that do not fit them.
        UnreadableError: a manifest that is none.
    """
    options.tolerance("", "float64")  # refuses impossible numbers before any file is touched
    of = actual.as_posix()
    try:
        if options.ask is not None:
            return _runs(expected, actual, options.ask, options)
        kinds = _kind(expected, options), _kind(actual, options)
        kind = _common(kinds, options)
        if options.labels is not None:
            with Source(options.labels):
                pass
        return _COMPARE[kind](expected, actual, of, options)
    except Refused as refusal:
        return _single(Agreement.REFUSED, of, refusal.message, refusal.hint)
    except UndecidableError as error:
        return _single(Agreement.INCONCLUSIVE, of, error.message, error.hint)


def _kind(path: Path, options: Options) -> FileKind:
    """By content where a format has a mark, by suffix otherwise. Raises what :class:`Source` raises."""
    if path.is_dir():  # one that holds shards; what it is otherwise, opening says
        return FileKind.TENSORS
    with Source(path) as source:
        start = source.read(0, min(source.size, 1 << 16))
    suffix = path.suffix.lower()
    if suffix in {".yaml", ".yml"} or (suffix == ".json" and b'"auditor/run-manifest/' in start):
        return FileKind.MANIFEST
    if suffix == ".json":
        return FileKind.TENSORS if path.name.endswith(".index.json") or is_model(start) else FileKind.FIGURES
    if suffix in {".npy", ".npz"}:
        return FileKind.COLUMN
    if suffix not in TABLE_SUFFIXES:
        return FileKind.TENSORS
    return FileKind.TRACE if options.metric is None and (options.step or holds_curves(path)) else FileKind.TABLE


def _common(kinds: tuple[FileKind, FileKind], options: Options) -> FileKind:
    wanted = FileKind.TENSORS if options.metric is None else FileKind.TABLE
    kinds = tuple(wanted if kind is FileKind.COLUMN else kind for kind in kinds)  # type: ignore[assignment]  # two again
    expected, actual = kinds
    if expected is not actual:
        raise UsageError(f"{expected} cannot be compared with {actual}")
    if options.labels is not None and options.metric is None:
        raise UsageError("--labels needs --metric, which says what to compute from them")
    if options.metric is not None and actual is not FileKind.TABLE:
        raise UsageError(f"--metric computes from a table of predictions; this is {actual}")
    if options.metric is not None and kind_of(options.metric) is None:
        raise UsageError(f"--metric {options.metric}: no way to compute it is known")
    if options.start is not None and actual is not FileKind.TENSORS:
        raise UsageError(f"--from measures weights against the update that training made to them; this is {actual}")
    if options.horizon is not None and actual is not FileKind.TRACE:
        raise UsageError(f"--horizon is the last step of curves that is compared; this is {actual}")
    if options.step is not None and actual is not FileKind.TRACE:
        raise UsageError(f"--step names the column of steps of curves; this is {actual}")
    if options.explain and actual is not FileKind.MANIFEST:
        raise UsageError(f"--explain says in which claims two manifests differ; this is {actual}")
    return actual


def _tensors(expected: Path, actual: Path, of: str, options: Options) -> Compared:
    from auditor.compare.weights import compare_weights  # noqa: PLC0415 - numpy is loaded for arrays only

    found = compare_weights(expected, actual, of=of, tolerance_for=options.tolerance, start=options.start)
    return Compared(comparisons=worst_first(found))


def _trace(expected: Path, actual: Path, of: str, options: Options) -> Compared:
    rule = options.tolerance("", "float64"), options.horizon
    ignore = Tolerances().ignore
    found = compare_trace_files(expected, actual, of=of, rule_for=lambda _name: rule, step=options.step, ignore=ignore)
    return Compared(comparisons=worst_first(found))


def _table(expected: Path, actual: Path, of: str, options: Options) -> Compared:
    tolerance = options.tolerance("", "float64")
    if options.metric is None:
        return Compared(comparisons=(compare_predictions(expected, actual, of=of, tolerance=tolerance),))
    kind = kind_of(options.metric)
    assert kind is not None  # noqa: S101 - _common has refused it otherwise
    for path in (expected, actual):
        _holds_predictions(path, options.metric)
    samples = [load_sample(path, options.labels) for path in (expected, actual)]
    left, right = (recompute_sample(kind, sample) for sample in samples)
    result = compare_metric(options.metric, left.value, right.value, tolerance, quantum=left.quantum)
    columns = [sample.predictions for sample in samples if sample.predictions is not None]
    if len(columns) == 2:
        share = churn(columns[0], columns[1])
        result = _noted(result, f"computed from {left.n} and {right.n} rows; churn {share:.2%}")
    if left.kind == "accuracy" and (bound := flips_between(samples[0], samples[1])) is not None:
        words = f"scores moved by at most {bound.epsilon:.3g}, which can turn {bound.flippable} of {bound.n} decisions"
        result = _noted(result, f"{words}, and accuracy by {bound.accuracy:.3g}")
    return Compared(comparisons=(result,))


def _holds_predictions(path: Path, metric: str) -> None:
    """Refuse ``--metric`` for an archive of arrays none of which is called predictions: those are weights."""
    if path.suffix.lower() != ".npz":
        return
    with open_table(path) as table:
        if table.column("prediction") is None and table.column("probability") is None:
            names = ", ".join(table.header[:5])
            raise UsageError(f"--metric {metric} computes from predictions; {path} holds {names}")


def _runs(expected: Path, actual: Path, ask: Ask, options: Options) -> Compared:
    from auditor.compare.runs import compare_runs  # noqa: PLC0415 - statistics are loaded when they are asked for

    given = {"--rtol": options.rtol, "--atol": options.atol, "--labels": options.labels, "--from": options.start}
    for option, value in (given | {"--horizon": options.horizon, "--step": options.step}).items():
        if value is not None:
            raise UsageError(f"{option} does not go with --test, which compares sets of runs")
    return Compared(comparisons=worst_first(compare_runs(expected, actual, ask)))


def _figures(expected: Path, actual: Path, _of: str, options: Options) -> Compared:
    return Compared(comparisons=_compare_figures(read_metrics_file(expected), read_metrics_file(actual), options))


def _manifests(expected: Path, actual: Path, _of: str, options: Options) -> Compared:
    from auditor.manifest.load import to_run  # noqa: PLC0415 - the reader is loaded for manifests only
    from auditor.manifest.reader import read_file  # noqa: PLC0415

    documents = [read_file(path) for path in (expected, actual)]
    runs = [to_run(document) for document in documents]
    left, right = ({_called(metric): metric.value for metric in run.metrics} for run in runs)
    differences = explain(documents[0].value, documents[1].value) if options.explain else None
    return Compared(comparisons=_compare_figures(left, right, options), differences=differences)


_COMPARE: Final[dict[FileKind, Callable[[Path, Path, str, Options], Compared]]] = {
    FileKind.TENSORS: _tensors,
    FileKind.TABLE: _table,
    FileKind.TRACE: _trace,
    FileKind.FIGURES: _figures,
    FileKind.MANIFEST: _manifests,
}


def _compare_figures(
    left: Mapping[str, float | None], right: Mapping[str, float | None], options: Options
) -> tuple[Comparison, ...]:
    """By name; what the built-in policy calls no claim (seconds, memory) is listed and does not count."""
    builtin = Tolerances()
    tolerance = options.tolerance("", "float64")
    names = [*left, *(name for name in right if name not in left)]
    judged = [
        compare_metric(name, left.get(name), right.get(name), tolerance) for name in names if not is_ignored(builtin, name)
    ]
    return worst_first([*judged, *ignored_metrics(_known(left), _known(right), builtin)])


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None}


def _called(metric: Any) -> str:
    """A metric's name with whatever else sets it apart from others of that name."""
    details = [str(part) for part in (metric.split, metric.dataset, metric.step) if part is not None]
    return f"{metric.name} ({', '.join(details)})" if details else str(metric.name)


def _noted(result: Comparison, note: str) -> Comparison:
    import msgspec  # noqa: PLC0415

    return msgspec.structs.replace(result, note=f"{result.note}; {note}" if result.note else note)


def _single(agreement: Agreement, of: str, message: str, hint: str | None) -> Compared:
    note = message if hint is None else f"{message}; {hint}"
    return Compared(comparisons=(Comparison(of=f"file:{of}", agreement=agreement, note=note),))
