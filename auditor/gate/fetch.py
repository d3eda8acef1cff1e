"""Fetches everything that a registered version was made from, verified, with the command to run it again."""

from __future__ import annotations

import io
import shlex
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.errors import RefusedError, UndecidableError, UsageError
from auditor.evidence.claimed import Claim
from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.place import Place, opened
from auditor.gate.registered import hold
from auditor.gate.subject import Subject
from auditor.integrations.registry import Name, Registry
from auditor.ledger.entry import Kind
from auditor.ledger.keys import SigningKey
from auditor.manifest.write import dump
from auditor.model.run import Artifact, DataSource, Json, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was put where. ``files`` are verified digests by path below ``to``; ``command`` runs it again, in ``to/run``."""

    to: Path
    commit: str
    files: dict[str, str]
    command: str


def fetch(root: Path, uri: str, to: Path, registry: Registry, key: SigningKey | None) -> Fetched:
    """Code, data, environment, configuration and weights of the version called ``uri``, in the new directory ``to``.

    Raises:
        RefusedError: the registry has other bytes than the run wrote. UndecidableError: something is not here.
        UsageError: ``to`` is not empty.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(f"{to} is there already", hint="fetch into a directory that is empty or not there")
    with opened(root) as place:
        version = registry.version(Name.parse(uri))
        held = hold(registry, version, place.scratch() / "version", place.ledger)
        path = place.with_digest(held.manifest) if held.manifest is not None else None
        if path is None:
            raise UndecidableError(
                f"no registration of {version.uri} is on record, or its manifest is not in {place.head[:12]}",
                hint="fetch the branch that has it, and the ledger: auditor ledger pull",
            )
        subject, run = place.run(path)
        commit = History(place.repository, place.head).source(run)
        if commit is None:
            raise UndecidableError("the recorded code is not in this clone", hint="git fetch --unshallow")
        to.mkdir(parents=True, exist_ok=True)
        _code(place, commit, to / "run")
        files = _bytes(place, run, to / "run") | _weights(held.files, run, to / "weights")
        (to / "environment.txt").write_text(_environment(run), encoding="utf-8")
        (to / "configuration.yaml").write_text(_configuration(run), encoding="utf-8")
        (to / "manifest.run.yaml").write_text(dump(_document(subject)), encoding="utf-8")
        command = shlex.join(run.code.entrypoint if run.code is not None else ())
        body: dict[str, Json] = {"what": "fetch", "version": version.uri, "commit": commit}
        place.ledger.append(Kind.ACCESS, subject=subject.digest, subjects=sorted(set(files.values())), body=body, key=key)
    return Fetched(to=to, commit=commit, files=files, command=command)


def _document(subject: Subject) -> dict[str, Json]:
    value = subject.manifest.value
    assert isinstance(value, dict)  # noqa: S101  (its claims were read)
    return value


def _code(place: Place, commit: str, to: Path) -> None:
    archive = place.repository.run("archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as bundle:
        bundle.extractall(to, filter="data")


def _bytes(place: Place, run: Run, to: Path) -> dict[str, str]:
    """Every data set, lock and configuration file, where the command looks for it and with the declared digest."""
    found: dict[str, str] = {}
    claimed = place.claimed()
    for claim in _needed(run):
        if claim.path is None or claim.digest is None:
            raise UndecidableError(f"{_name(claim)} has no path or no digest in the manifest, so it cannot be put in place")
        target = to / claim.path
        try:
            source = claimed.file(claim)
        except Inconclusive as unanswered:
            raise UndecidableError(f"{claim.path}: {unanswered.reason}") from None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        shutil.copyfile(source, target)
        _verify(target, claim.digest)
        found[f"run/{claim.path}"] = claim.digest
    return found


def _weights(files: Mapping[str, Path], run: Run, to: Path) -> dict[str, str]:
    """The registry's files, each of which must be an artifact of the run."""
    known = {artifact.digest for artifact in run.artifacts}
    found: dict[str, str] = {}
    for name, path in files.items():
        value, _ = digest.of_file(path)
        if value not in known:
            raise RefusedError(f"{name} in the registry is {value}, which the run did not write", hint="auditor gate deploy")
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        _verify(target, value)
        found[f"weights/{name}"] = value
    return found


def _verify(path: Path, expected: str) -> None:
    actual, _ = digest.of_file(path)
    if actual != expected:
        raise RefusedError(f"{path} is {actual}, and {expected} is declared", hint="somebody writes there; fetch again")


def _needed(run: Run) -> Iterator[Claim]:
    """What has to lie beside the code: data, configuration files, the lock."""
    yield from run.data
    yield from run.configuration.files if run.configuration is not None else ()
    if run.environment is not None and run.environment.lock is not None:
        yield run.environment.lock


def _name(claim: object) -> str:
    return claim.name if isinstance(claim, DataSource | Artifact) else "a file"


def _environment(run: Run) -> str:
    environment = run.environment
    if environment is None:
        return "# not recorded\n"
    lines = [f"# Python {environment.python}", f"# {environment.platform}"]
    lines += [f"{name}=={version}" for name, version in sorted(environment.packages.items())]
    return "\n".join(lines) + "\n"


def _configuration(run: Run) -> str:
    return dump(run.configuration.effective) if run.configuration is not None else "# not recorded\n"
