"""Collects what a command wrote: artifacts, and the metrics it reported. What it did not write is never claimed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditor import digest
from auditor.errors import UsageError
from auditor.model.run import Artifact, Json, Metric
from auditor.record import trace
from auditor.record.data import Measured, measure
from auditor.record.request import OutItem, OutRole

_WEIGHTS: Final = {
    "npz",
    "npy",
    "safetensors",
    "pt",
    "pth",
    "onnx",
    "h5",
    "hdf5",
    "keras",
    "joblib",
    "pkl",
    "pickle",
    "skops",
}
_METRICS_LIMIT: Final = 16 << 20
_SPLITS: Final = {"test": "test", "val": "validation", "valid": "validation", "validation": "validation", "train": "train"}
State = dict[str, tuple[int, int, int, int]]
"""Inode, size, modification and change time in nanoseconds of every file at or below a path; {} when nothing is there."""


@dataclass(slots=True, kw_only=True)
class Written:
    """What was collected. ``problems`` are sentences for people; ``missing`` tells why a declared path is not claimed."""

    artifacts: list[Artifact] = field(default_factory=list)
    measured: dict[str, Measured] = field(default_factory=dict)
    metrics: list[Metric] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)


def state(path: Path) -> State:
    """What stands at ``path`` now, for :func:`was_written`."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = {}
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue
        found[str(file)] = (about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return found


def was_written(before: State, after: State) -> bool:
    """Whether a command (re)created a path: something is there, and not all of it stood there unchanged before."""
    return bool(after) and any(before.get(name) != about for name, about in after.items())


def collect(root: Path, outs: Sequence[OutItem], metrics: str | None, before: dict[str, State]) -> Written:
    """The artifacts and metrics that the command wrote, each measured as it stands now.

    Args:
        root: where the command ran.
        outs: declared outputs.
        metrics: the declared metrics file.
        before: the state of every declared path before the command started.
    """
    found = Written()
    items = [*outs, *([OutItem(path=metrics, role="metrics")] if metrics and all(o.path != metrics for o in outs) else [])]
    for item in items:
        now = state(root / item.path)
        if not was_written(before.get(item.path, {}), now):
            old = "was there before and was not written by this run" if now else "was not written"
            found.missing[item.path] = old
            found.problems.append(f"declared output {item.path} {old}: the manifest does not claim it")
            continue
        try:
            about = measure(root / item.path, name=item.path)
        except UsageError as error:
            found.missing[item.path] = error.message
            found.problems.append(f"declared output {error.message}: the manifest does not claim it")
            continue
        role: OutRole = _metrics_role(item) if item.path == metrics else item.role or _role(about)
        found.measured[item.path] = about
        found.artifacts.append(_artifact(item.path, role, about, found.artifacts))
    if metrics:
        _read_metrics(root / metrics, metrics, found)
    return found


def _artifact(path: str, role: OutRole, about: Measured, others: Sequence[Artifact]) -> Artifact:
    stem = path.rpartition("/")[2].partition(".")[0] or path
    name = path if any(other.name == stem for other in others) else stem
    return Artifact(name=name, role=role, path=path, digest=about.digest, size=about.size, format=about.format)


def _metrics_role(item: OutItem) -> OutRole:
    return "trace" if trace.is_trace(item.path) else "metrics"


def _role(about: Measured) -> OutRole:
    if about.format in _WEIGHTS:
        return "weights"
    return "predictions" if "prediction" in about.columns else "other"


def _read_metrics(path: Path, name: str, found: Written) -> None:
    if name in found.missing:
        found.unavailable["/metrics"] = f"{name} {found.missing[name]}"
        return
    try:
        rows = _last_values(path) if trace.is_trace(name) else [(m, v, None) for m, v in _numbers(_load(path), "")]
    except (OSError, ValueError, RecursionError) as error:
        found.unavailable["/metrics"] = f"{name} cannot be read: {error}"
        found.problems.append(f"metrics file {name} cannot be read: {error}")
        return
    for metric, number, step in rows:
        claim(found, metric, number, step=step)


def claim(found: Written, name: str, number: float, *, step: int | None = None, split: str | None = None) -> None:
    """Adds one figure. One that is no number is a claim without a value, and a problem."""
    if math.isfinite(number):
        found.metrics.append(_metric(name, _exact(number), step, split))
        return
    found.unavailable[f"/metrics/{len(found.metrics)}/value"] = f"the run reported {number}"
    found.metrics.append(_metric(name, None, step, split))
    found.problems.append(f"metric {name} is {number}")


def _last_values(path: Path) -> list[tuple[str, float, int | None]]:
    return [(name, last.value, last.step) for name, last in trace.read(path).items()]


def _load(path: Path) -> dict[str, Json]:
    if path.stat().st_size > _METRICS_LIMIT:
        raise ValueError(f"it is larger than {_METRICS_LIMIT} bytes")
    value = json.loads(path.read_text(encoding="utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")  # noqa: TRY004  (one kind of error for one kind of defect)
    return value


def _numbers(value: Json, prefix: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _numbers(child, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _numbers(child, f"{prefix}.{index}")
    elif isinstance(value, int | float) and not isinstance(value, bool) and prefix:
        yield prefix, value


def _exact(number: float) -> float:
    try:
        digest.canonical_bytes(number)
    except ValueError:
        return float(number)  # an integer beyond 2^53
    return number


def _metric(name: str, value: float | None, step: int | None, split: str | None) -> Metric:
    """A metric with the split that its name begins with (``test_accuracy``, ``val.acc``), where none is given."""
    head, _, rest = name.replace(".", "_").replace("/", "_").lower().partition("_")
    return Metric(name=name, value=value, split=split or (_SPLITS.get(head) if rest else None), step=step)
