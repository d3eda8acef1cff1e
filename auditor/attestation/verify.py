"""Verifies an attestation against files, with nothing but the public key of the judge that signed it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
from securesystemslib.signer import Key

from auditor import digest
from auditor.attestation.envelope import opened
from auditor.attestation.statement import CANONICAL, PROPERTY, REPRODUCTION, STATEMENT, SUMMARY
from auditor.errors import EmptySelectionError, RefusedError, UnreadableError
from auditor.manifest.reader import read_file
from auditor.manifest.validate import schema

_SCHEMA: Final = "reproduction.v1.schema.json"
_PARTS: Final = {"_type", "subject", "predicateType", "predicate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What an attestation says that holds. ``subjects`` are the digests of the files given, by path."""

    kind: str
    keyid: str
    predicate: dict[str, Any]
    subjects: dict[Path, str]


def verify(attestation: Path, files: Sequence[Path], key: Key, *, now: dt.datetime | None = None) -> Verified:
    """What the envelope at ``attestation``, signed by ``key``, says about ``files``.

    Raises:
        RefusedError: it must not be relied on; the message says why.
        EmptySelectionError: there is no file to verify.
    """
    if not files:
        raise EmptySelectionError("no file to verify", hint="name what is deployed with --artifact FILE")
    # 1. to 3. The envelope and its signature.
    statement = opened(attestation, key)
    if set(statement) != _PARTS or statement["_type"] != STATEMENT:
        raise RefusedError(f"the payload is no {STATEMENT}")
    # 4. A predicate of a version that we know, of the shape that this version has.
    kind, predicate = statement["predicateType"], statement["predicate"]
    check = _PREDICATES.get(kind) if isinstance(kind, str) else None
    if check is None:
        raise RefusedError(
            f"the predicate type {kind!r} is not known to this version",
            hint=f"known are {' and '.join(_PREDICATES)}; install the auditor that wrote it, or a newer one",
        )
    # 5. It says yes, and has not expired.
    expires = check(predicate)
    moment = now or dt.datetime.now(tz=dt.UTC)
    if expires is not None and moment > expires:
        raise RefusedError(
            f"the attestation expired at {expires:%Y-%m-%dT%H:%M:%SZ}", hint="ask `auditor gate deploy` again"
        )
    # 6. Every file given is one that it is about.
    known = _digests(statement["subject"])
    return Verified(kind=kind, keyid=key.keyid, predicate=predicate, subjects={file: _known(file, known) for file in files})


def _known(file: Path, known: dict[str, bool]) -> str:
    """The digest of ``file``, which must be among those known. A manifest may be written in another order or layout."""
    try:
        value, _ = digest.of_file(file)
    except OSError as error:
        raise EmptySelectionError(f"{file} cannot be read: {error.strerror}") from None
    if value in known:
        return value
    meaning = _meaning(file) if file.name.endswith((".run.yaml", ".run.yml", ".run.json")) else None
    if meaning is not None and known.get(meaning):
        return meaning
    raise RefusedError(f"{file} ({value}) is no subject of this attestation", hint="it speaks about other bytes")


def _meaning(manifest: Path) -> str | None:
    try:
        return read_file(manifest).digest
    except UnreadableError:
        return None


def _digests(subjects: object) -> dict[str, bool]:
    """The subjects' digests, and whether each is of a manifest's meaning instead of its bytes."""
    found: dict[str, bool] = {}
    for subject in subjects if isinstance(subjects, list) else []:
        value = subject.get("digest") if isinstance(subject, dict) else None
        if not isinstance(value, dict) or not isinstance(value.get("sha256"), str):
            raise RefusedError("a subject has no sha256")
        notes = subject.get("annotations")
        found[f"sha256:{value['sha256']}"] = isinstance(notes, dict) and notes.get("form") == CANONICAL
    if not found:
        raise RefusedError("the attestation is about nothing")
    return found


def _reproduction(predicate: object) -> dt.datetime | None:
    for error in _validator().iter_errors(predicate):
        raise RefusedError(f"the predicate is not what its version says: {error.message[:300]}")
    assert isinstance(predicate, dict)  # noqa: S101  (the schema says so)
    if predicate["verdict"] != "open" or predicate["advisory"]:
        raise RefusedError(f"the gate said {predicate['verdict']}{' (advisory)' if predicate['advisory'] else ''}")
    return _moment(predicate["expiresOn"]) if predicate["expiresOn"] is not None else None


def _summary(predicate: object) -> dt.datetime | None:
    value = predicate if isinstance(predicate, dict) else {}
    if value.get("verificationResult") != "PASSED":
        raise RefusedError(f"the verification summary says {value.get('verificationResult')!r}")
    if PROPERTY not in value.get("verifiedLevels", ()):
        raise RefusedError(f"the verification summary does not say {PROPERTY}")
    return None


_PREDICATES: Final[dict[str, Callable[[object], dt.datetime | None]]] = {REPRODUCTION: _reproduction, SUMMARY: _summary}
"""Every predicate that is understood, with what checks it and tells when it expires."""


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(_SCHEMA))


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise RefusedError(f"{text!r} is no time") from None
