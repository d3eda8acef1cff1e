"""Adds a later stage to a manifest: one document with what both say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from auditor import digest
from auditor.model.run import Artifact, Configuration, Environment, Json, Lineage, Observed, Randomness, Run

_INDEXED: Final = re.compile(r"/(data|metrics)/([0-9]+)(/.*)?\Z")
_Item = TypeVar("_Item")


def merged(earlier: Run, later: Run) -> Run:
    """One manifest with all stages of both. The entry point is the last command; ``later`` passed :func:`check`."""
    data, data_places = _united(earlier.data, later.data)
    metrics, metric_places = _united(earlier.metrics, later.metrics)
    return msgspec.structs.replace(
        later,
        run=msgspec.structs.replace(
            later.run,
            started=earlier.run.started,
            author=earlier.run.author,
            supersedes=later.run.supersedes or earlier.run.supersedes,
        ),
        code=msgspec.structs.replace(later.code, dirty=earlier.code.dirty or later.code.dirty)
        if earlier.code and later.code
        else later.code,
        environment=_environment(earlier.environment, later.environment),
        configuration=_configuration(earlier.configuration, later.configuration),
        randomness=_randomness(earlier.randomness, later.randomness),
        data=data,
        stages=(*earlier.stages, *later.stages),
        artifacts=_named_apart(earlier, later),
        metrics=metrics,
        reproductions=(*earlier.reproductions, *later.reproductions),
        observed=_observed(earlier.observed, later.observed),
        lineage=_lineage(earlier.lineage, later.lineage),
        unavailable=earlier.unavailable | _moved(later.unavailable, {"data": data_places, "metrics": metric_places}),
        extensions={"auditor": _extensions(earlier.extensions.get("auditor"), later.extensions.get("auditor"))},
    )


def _united(before: tuple[_Item, ...], after: tuple[_Item, ...]) -> tuple[tuple[_Item, ...], dict[int, int]]:
    """Both lists, what is in both once, and the new index of every entry of the second one."""
    found = list(before)
    places = {}
    for index, item in enumerate(after):
        if item not in found:
            found.append(item)
        places[index] = found.index(item)
    return tuple(found), places


def _named_apart(earlier: Run, later: Run) -> tuple[Artifact, ...]:
    taken = {artifact.name for artifact in earlier.artifacts}
    added = (msgspec.structs.replace(a, name=a.path) if a.name in taken and a.path else a for a in later.artifacts)
    return (*earlier.artifacts, *added)


def _moved(unavailable: Mapping[str, str], places: Mapping[str, Mapping[int, int]]) -> dict[str, str]:
    found = {}
    for pointer, reason in unavailable.items():
        match = _INDEXED.match(pointer)
        key = f"/{match[1]}/{places[match[1]].get(int(match[2]), int(match[2]))}{match[3] or ''}" if match else pointer
        found[key] = reason
    return found


def _environment(before: Environment | None, after: Environment | None) -> Environment | None:
    if before is None or after is None:
        return after or before
    return msgspec.structs.replace(
        after, packages=dict(sorted((before.packages | after.packages).items())), lock=after.lock or before.lock
    )


def _configuration(before: Configuration | None, after: Configuration | None) -> Configuration | None:
    if before is None or after is None:
        return after or before
    effective = _overlaid(before.effective, after.effective)
    whole = effective if isinstance(effective, dict) else {}
    return Configuration(
        files=_united(before.files, after.files)[0],
        effective=whole,
        digest=digest.of_value(whole),
        origins=after.origins | before.origins,
    )


def _overlaid(one: Json, other: Json) -> Json:
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _overlaid(one.get(key, other.get(key)), other.get(key, one.get(key))) for key in (one | other)}
    return other


def _randomness(before: Randomness | None, after: Randomness | None) -> Randomness | None:
    if before is None or after is None:
        return after or before
    return Randomness(
        seeds=before.seeds | after.seeds,
        flags=before.flags | after.flags,
        deterministic=after.deterministic or before.deterministic,
    )


def _observed(before: Observed | None, after: Observed | None) -> Observed | None:
    """What all stages read. Only where every stage was observed is anything known of the run."""
    if before is None or after is None or "none" in {before.method, after.method}:
        return Observed(method="none")
    reads = {read.path: read for read in (*after.reads, *before.reads)}
    method = before.method if before.method == after.method else "audit-hook"
    return Observed(
        reads=tuple(reads[path] for path in sorted(reads)), ignored=_united(before.ignored, after.ignored)[0], method=method
    )


def _lineage(before: Lineage | None, after: Lineage | None) -> Lineage | None:
    if before is None or after is None:
        return after or before
    return Lineage(parents=_united(before.parents, after.parents)[0])


def _extensions(before: Json, after: Json) -> dict[str, Json]:
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    found = {**old, **new}
    for name in ("undeclared-inputs", "redacted"):
        lists = [part for part in (old.get(name), new.get(name)) if isinstance(part, list)]
        if lists:
            found[name] = list(dict.fromkeys(item for part in lists for item in part))
    for name in ("missing-outputs",):
        maps = [part for part in (old.get(name), new.get(name)) if isinstance(part, dict)]
        if maps:
            found[name] = {key: value for part in maps for key, value in part.items()}
    # A stage that was given several layers and opened none of them spoils the whole; the others do not mend it.
    if "effective-config-read" in old and "effective-config-read" in new:
        found["effective-config-read"] = bool(old["effective-config-read"] and new["effective-config-read"])
    if "installed" in {old.get("packages"), new.get("packages")}:
        found["packages"] = "installed"
    return found
