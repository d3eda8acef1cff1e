"""A registry's version held against the manifest it came from, and against what the ledger says of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.evidence.change import Remark
from auditor.evidence.deployment import Registered
from auditor.integrations.registry import Registry, Shown, Version
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.ledger import Ledger
from auditor.model.run import Json, Run

TAG = "auditor."
"""What all our tags begin with. They are written for people; nothing of them is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A version with its files on this machine, and its registration on record, if there is one."""

    version: Version
    files: Mapping[str, Path]
    entry: Entry | None

    @property
    def manifest(self) -> str | None:
        """The digest of the manifest that was registered, by the ledger; None when no registration is on record."""
        return self.entry.subject if self.entry is not None else None


def hold(registry: Registry, version: Version, folder: Path, ledger: Ledger) -> Held:
    """Download a version, and look up its registration."""
    files = registry.download(version, folder)
    entries = [entry for entry in ledger.entries(Kind.REGISTRATION) if entry.body.get("version") == version.uri]
    return Held(version=version, files=files, entry=entries[-1] if entries else None)


def compared(
    held: Held, run: Run | None, aliases: Mapping[str, str], ledger: Ledger, *, setting: str | None = None
) -> Registered:
    """What differs. ``setting`` is the alias that is about to be set anyway."""
    recorded = held.entry.body.get("files") if held.entry is not None else None
    why = None if isinstance(recorded, dict) else f"no registration of {held.version.uri} is on record (auditor register)"
    return Registered(
        version=held.version.uri,
        overwritten=tuple(_overwritten(held, recorded)) if isinstance(recorded, dict) else (),
        contradictions=tuple(_contradictions(held.version, run)) if run is not None else (),
        moved=tuple(_moved(held.version.model, aliases, ledger, setting)),
        unanswered=why,
    )


def shown_of(run: Run) -> Shown:
    """What a registry is to show of a run."""
    effective = run.configuration.effective if run.configuration is not None else {}
    return Shown(
        id=run.run.id,
        place="",
        parameters=dict(_flat(effective, "")),
        metrics={metric.name: metric.value for metric in run.metrics if metric.value is not None},
        inputs=tuple(data.name for data in run.data),
    )


def promoted(ledger: Ledger, model: str) -> dict[str, str]:
    """The number of the version that the last promotion on record let each alias of ``model`` lead to."""
    found: dict[str, str] = {}
    for entry in ledger.entries(Kind.PROMOTION):
        if entry.body.get("model") == model:
            found[str(entry.body.get("alias"))] = str(entry.body.get("number"))
    return found


def _overwritten(held: Held, recorded: Mapping[str, Json]) -> Iterator[Remark]:
    for name in sorted(held.files.keys() | recorded.keys()):
        actual = digest.of_file(held.files[name])[0] if name in held.files else None
        expected = recorded.get(name)
        if actual is None:
            yield Remark(message=f"{held.version.uri}: {name} is gone; {expected} was registered")
        elif expected is None:
            yield Remark(message=f"{held.version.uri}: {name} ({actual}) was added after the registration")
        elif actual != expected:
            yield Remark(message=f"{held.version.uri}: {name} is {actual}, and {expected} was registered")


def _contradictions(version: Version, run: Run) -> Iterator[Remark]:
    if version.run is None:
        yield Remark(message=f"{version.uri} is tied to no run")
        return
    if not version.source.startswith((version.run.place, f"runs:/{version.run.id}/", "models:/")):
        yield Remark(message=f"{version.uri} comes from {version.source}, which is no place of its run {version.run.id}")
    claimed = shown_of(run)
    for name, value in sorted(version.run.parameters.items()):
        known = claimed.parameters.get(name)
        if known is not None and known != value:
            yield Remark(
                message=f"parameter {name} is {value!r} in the registry, {known!r} in the manifest", pointer="/configuration"
            )
    places = {metric.name: index for index, metric in enumerate(run.metrics)}
    for metric, figure in sorted(version.run.metrics.items()):
        if metric in claimed.metrics and claimed.metrics[metric] != figure:
            yield Remark(
                message=f"{metric} is {figure!r} in the registry, {claimed.metrics[metric]!r} in the manifest",
                pointer=f"/metrics/{places[metric]}/value",
            )
    if foreign := sorted(set(version.run.inputs) - set(claimed.inputs)):
        yield Remark(
            message=f"the registry's run read {', '.join(foreign)}, which the manifest does not name", pointer="/data"
        )


def _moved(model: str, aliases: Mapping[str, str], ledger: Ledger, setting: str | None) -> Iterator[Remark]:
    for alias, number in sorted(promoted(ledger, model).items()):
        actual = aliases.get(alias)
        if alias != setting and actual is not None and actual != number:
            yield Remark(
                message=f"models:/{model}@{alias} leads to version {actual}; the last promotion on record is of {number}"
            )


def _flat(value: Json, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _flat(child, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, value if isinstance(value, str) else digest.canonical_bytes(value).decode()
