"""The few claims of a run that tables, charts and comparisons across runs need; all of them declared, none verified."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import msgspec

from auditor import redact
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.subject import Subject
from auditor.history.found import Version
from auditor.model.run import Run

_FRAMEWORKS = ("torch", "tensorflow", "jax", "xgboost", "lightgbm", "catboost", "scikit-learn", "numpy")
"""By which a run is classed: the first that it had installed."""

_NUMERIC = ("numpy", "scipy", *_FRAMEWORKS[:-1])

MOST_METRICS = 64
MOST_SETTINGS = 64
_LONGEST = 120
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]{0,254}@sha256:[0-9a-f]{64}")


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run says of itself.

    ``at`` is when it was merged (seconds since the epoch), where that is known. ``stack`` are the versions of the numeric
    libraries in one word; ``lock`` is the lock's path and digest, ``image`` the container by digest; ``settings`` are keys
    of the configuration with value and origin, as text.
    """

    schema: str | None = None
    status: str | None = None
    started: str | None = None
    finished: str | None = None
    at: int | None = None
    framework: str | None = None
    executor: str | None = None
    commit: str | None = None
    metrics: dict[str, float] = {}
    seeds: dict[str, str] = {}
    data: dict[str, str] = {}
    weights: tuple[str, ...] = ()
    configuration: str | None = None
    parents: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    supersedes: str | None = None
    smoke: bool = False
    stack: str | None = None
    lock: tuple[str, str] | None = None
    image: str | None = None
    settings: tuple[tuple[str, str, str], ...] = ()


def facts_of(subject: Subject, version: Version) -> Facts:
    """The facts of one manifest; hardly any for one that cannot be read."""
    value = subject.manifest.document.value if subject.manifest.document is not None else None
    named = value.get("schema") if isinstance(value, dict) else None
    schema = named if isinstance(named, str) else None
    try:
        run = subject.manifest.run
    except Inconclusive:
        return Facts(schema=schema, at=version.at)
    return _facts(run, schema, version.at)


def _facts(run: Run, schema: str | None, at: int | None) -> Facts:
    packages = run.environment.packages if run.environment is not None else {}
    executor = run.environment.executor if run.environment is not None else None
    seeds = run.randomness.seeds if run.randomness is not None else {}
    parents = run.lineage.parents if run.lineage is not None else ()
    metrics = [(m.name if m.split is None else f"{m.name} ({m.split})", m.value) for m in run.metrics]
    return Facts(
        schema=schema,
        status=run.run.status,
        started=run.run.started,
        finished=run.run.finished,
        at=at,
        framework=next((name for name in _FRAMEWORKS if name in packages), None),
        executor=executor.class_ if executor is not None else None,
        commit=run.code.commit if run.code is not None else None,
        metrics=dict([(name, float(value)) for name, value in metrics if value is not None][:MOST_METRICS]),
        seeds={name: str(seed.value) for name, seed in seeds.items() if seed.at != "PYTHONHASHSEED"},
        data={data.path or data.uri or data.name: data.digest for data in run.data if data.digest is not None},
        weights=tuple(a.digest for a in run.artifacts if a.role == "weights" and a.digest is not None),
        configuration=run.configuration.digest if run.configuration is not None else None,
        parents=tuple(parent.digest for parent in parents),
        repeats=tuple(parent.digest for parent in parents if parent.relation == "repeat-of"),
        supersedes=run.run.supersedes.digest if run.run.supersedes is not None else None,
        stack=" ".join(f"{name}-{packages[name]}" for name in _NUMERIC if name in packages) or None,
        settings=tuple(_settings(run)),
        lock=_lock(run),
        image=_image(run),
        smoke=run.run.status == "succeeded" and bool(run.reproductions),
    )


def _lock(run: Run) -> tuple[str, str] | None:
    lock = run.environment.lock if run.environment is not None else None
    return (lock.path, lock.digest) if lock is not None and lock.digest is not None else None


def _image(run: Run) -> str | None:
    container = run.environment.container if run.environment is not None else None
    return container.image if container is not None and _IMAGE.fullmatch(container.image) else None


def _settings(run: Run) -> Iterator[tuple[str, str, str]]:
    """The leaves of the effective configuration: pointer, value and where it came from."""
    if run.configuration is None:
        return
    waiting: list[tuple[str, object]] = [("", run.configuration.effective)]
    found = 0
    while waiting and found < MOST_SETTINGS:
        pointer, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{pointer}/{key}", child) for key, child in sorted(value.items(), reverse=True)]
            continue
        origin = run.configuration.origins.get(pointer)
        found += 1
        yield pointer[:_LONGEST], redact.text(json.dumps(value))[:_LONGEST], origin.source[:_LONGEST] if origin else ""
