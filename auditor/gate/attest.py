"""Vouches for a deployment that the gate let through: writes signed attestations about the bytes."""

from __future__ import annotations

from pathlib import Path

from auditor import __version__
from auditor.attestation.envelope import sealed
from auditor.attestation.predicate import Vouching, reproduction, summary
from auditor.attestation.statement import CANONICAL, REPRODUCTION, SUMMARY, TREE, Subject, payload
from auditor.errors import UsageError
from auditor.gate.deploy import Decided
from auditor.ledger.keys import FileKey, ServiceKey, SigningKey


def signer_of(key: SigningKey | None) -> FileKey | ServiceKey:
    """The key that an attestation can be signed with.

    Raises:
        UsageError: there is none, or it is one that only signs ledger entries.
    """
    if key is None:
        raise UsageError(
            "an attestation is signed, and there is no key",
            hint="--key FILE, or AUDITOR_KEY",
        )
    if not isinstance(key, FileKey | ServiceKey):
        raise UsageError(
            "an attestation cannot be signed through ssh-keygen or gpg", hint="give a private key file, or a service's key"
        )
    return key


def attest(decided: Decided, key: FileKey | ServiceKey, *, attestation: Path | None, brief: Path | None) -> None:
    """Write the ``attestation`` and the ``brief`` summary of SLSA about an open deployment.

    Raises:
        UsageError: a file cannot be written.
    """
    run = decided.subject.manifest.run
    subjects = [
        Subject(name=a.path or a.name, digest=a.digest, form=TREE if a.format == "tree" else None)
        for a in run.artifacts
        if a.digest is not None
    ]
    subjects.append(Subject(name=decided.subject.path, digest=decided.subject.digest, form=CANONICAL))
    vouching = Vouching(version=__version__, decided=decided.decided, expires=decided.expires, approvals=decided.approvals)
    if attestation is not None:
        predicate = reproduction(decided.facts, vouching, required=decided.required)
        _write(attestation, sealed(payload(subjects, REPRODUCTION, predicate), key.signer()))
    if brief is not None:
        predicate = summary(decided.facts, vouching, decided.shipped[0].digest)
        _write(brief, sealed(payload(subjects, SUMMARY, predicate), key.signer()))


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
