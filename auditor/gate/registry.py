"""What is done with a model registry: registering a run, deploying and promoting a version through the gate, going back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor.errors import RefusedError, UndecidableError
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.deploy import Decided, Deploy, gate_deploy
from auditor.gate.place import Place, opened
from auditor.gate.registered import TAG, Held, compared, hold, promoted, shown_of
from auditor.gate.subject import Subject
from auditor.integrations.registry import Name, Registry, Version
from auditor.ledger.entry import Kind
from auditor.ledger.keys import SigningKey
from auditor.ledger.ledger import Ledger
from auditor.model.run import Artifact, Json, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of an action: the version, its files' digests by name, and the gate's decision where it was asked."""

    version: Version
    files: dict[str, str]
    decided: Decided | None = None


def register(root: Path, manifest: str, model: str, registry: Registry, key: SigningKey | None) -> Done:
    """Put the weights of a committed run into a registry, and on record as what was put there.

    Raises:
        UndecidableError: the bytes are not here, or are other bytes than the manifest declares.
    """
    with opened(root) as place:
        subject, run = place.run(manifest)
        files: dict[str, Path] = {}
        digests: dict[str, str] = {}
        for artifact in _weights(run):
            name = Path(artifact.path or artifact.name).name
            try:
                files[name] = place.claimed().file(artifact)
            except Inconclusive as unanswered:
                raise UndecidableError(unanswered.reason, hint="nothing was registered") from None
            digests[name] = artifact.digest or ""
        version = registry.register(model, _named(files, place), shown_of(run), tags_of(subject, run))
        body: dict[str, Json] = {"version": version.uri, "files": dict(digests), "model": model, "number": version.number}
        about = sorted(set(digests.values()))
        place.ledger.append(Kind.REGISTRATION, subject=subject.digest, subjects=about, body=body, key=key)
        return Done(version=version, files=digests)


def deploy_version(request: Deploy, uri: str, registry: Registry, *, setting: str | None = None) -> Decided:
    """What the deploy gate decides about the version called ``uri``, after its verdict was written beside it.

    ``request`` holds everything but the files.
    """
    version = registry.version(Name.parse(uri))
    with _held(request, registry, version) as (place, held):
        manifest = request.manifest or _path(place, held)
        _, run = place.run(manifest)
        registered = compared(held, run, registry.aliases(version.model), place.ledger, setting=setting)
        decided = gate_deploy(replace(request, manifest=manifest, files=sorted(held.files.items()), registered=registered))
    if request.record:
        registry.tag(version, _verdict_tags(decided, run))
    return decided


def promote(request: Deploy, uri: str, alias: str, registry: Registry) -> Done:
    """Let ``alias`` lead to the version called ``uri``, if the deploy gate is open for it."""
    decided = deploy_version(request, uri, registry, setting=alias)
    version = registry.version(Name.parse(uri))
    files = {one.name: one.digest for one in decided.shipped}
    if not decided.is_open:
        return Done(version=version, files=files, decided=decided)
    with opened(request.root, base=request.base, policy_ref=request.policy_ref) as place:
        before = registry.aliases(version.model).get(alias)
        registry.alias(version, alias)
        place.ledger.append(
            Kind.PROMOTION,
            subject=decided.subject.digest,
            subjects=sorted(set(files.values())),
            body={
                "model": version.model,
                "alias": alias,
                "number": version.number,
                "before": before,
                "version": version.uri,
            },
            key=request.key,
        )
    return Done(version=version, files=files, decided=decided)


def rollback(request: Deploy, model: str, alias: str | None, registry: Registry) -> Done:
    """The last version promoted before the present one for which the deploy gate is open now. Nothing is changed.

    Raises:
        RefusedError: there is none.
    """
    tried = []
    with opened(request.root, base=request.base, policy_ref=request.policy_ref) as place:
        numbers = list(_former(place.ledger, model, alias, registry))
    for number in numbers:
        decided = deploy_version(replace(request, record=False), f"models:/{model}/{number}", registry, setting=alias or "")
        if decided.is_open:
            version = registry.version(Name(model=model, number=number))
            return Done(version=version, files={one.name: one.digest for one in decided.shipped}, decided=decided)
        tried.append(f"{number} is {decided.report.verdict}")
    raise RefusedError(
        f"no version of {model} that was promoted before has a valid verdict ({'; '.join(tried) or 'there was none'})",
        hint="auditor gate deploy --model models:/NAME/VERSION says what is missing",
    )


def tags_of(subject: Subject, run: Run) -> dict[str, str]:
    """What is written beside a version: for people, and to find the way back."""
    snapshots = [f"{data.name}={data.digest}" for data in run.data if data.digest is not None]
    found = {
        "manifest": subject.digest,
        "path": subject.path,
        "run": run.run.id,
        "commit": run.code.commit if run.code is not None else None,
        "snapshot": ", ".join(snapshots)[:4000],
    }
    return {f"{TAG}{name}": value for name, value in found.items() if value}


def _former(ledger: Ledger, model: str, alias: str | None, registry: Registry) -> Iterator[str]:
    """The numbers of versions promoted before what is served now, the last one first."""
    now = {number for name, number in promoted(ledger, model).items() if alias in {None, name}}
    now |= {number for name, number in registry.aliases(model).items() if alias in {None, name}}
    entries = [e for e in ledger.entries(Kind.PROMOTION) if e.body.get("model") == model]
    numbers = [str(e.body.get("number")) for e in reversed(entries) if alias in {None, e.body.get("alias")}]
    yield from (number for number in dict.fromkeys(numbers) if number not in now)


@contextmanager
def _held(request: Deploy, registry: Registry, version: Version) -> Iterator[tuple[Place, Held]]:
    with (
        TemporaryDirectory(prefix="auditor-version-") as folder,
        opened(request.root, base=request.base, head=request.head, policy_ref=request.policy_ref) as place,
    ):
        yield place, hold(registry, version, Path(folder), place.ledger)


def _path(place: Place, held: Held) -> str:
    """The path of the manifest that a version was registered from."""
    found = place.with_digest(held.manifest) if held.manifest is not None else None
    if found is not None:
        return found
    raise UndecidableError(
        f"no registration of {held.version.uri} is on record, or its manifest is not in {place.head[:12]}",
        hint="name the manifest, or register the run: auditor register MANIFEST --model NAME",
    )


def _weights(run: Run) -> list[Artifact]:
    found = [artifact for artifact in run.artifacts if artifact.role == "weights"]
    if not found:
        raise UndecidableError("the run wrote no weights", hint="record it with --out weights:FILE")
    return found


def _named(files: dict[str, Path], place: Place) -> dict[str, Path]:
    """The same files under their own names: what was found by digest is called by it."""
    folder = place.scratch() / "named"
    folder.mkdir(exist_ok=True)
    named = {}
    for name, path in files.items():
        named[name] = folder / name
        named[name].unlink(missing_ok=True)
        named[name].symlink_to(path)
    return named


def _verdict_tags(decided: Decided, run: Run) -> dict[str, str]:
    metrics = ", ".join(f"{metric.name}={metric.value!r}" for metric in run.metrics if metric.value is not None)
    found = {
        "verdict": str(decided.report.verdict),
        "decided": decided.decided.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "policy": decided.report.policies[0].digest,
        "approvals": str(len(decided.approvals)),
        "evaluation": metrics[:4000],
    }
    return tags_of(decided.subject, run) | {f"{TAG}{name}": value for name, value in found.items() if value}
