"""The statement that is signed: in-toto Statement v1, its subjects and its predicate. See ``schemas/reproduction.md``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from auditor import digest
from auditor.errors import UsageError

STATEMENT: Final = "https://in-toto.io/Statement/v1"
REPRODUCTION: Final = "https://pypi.org/project/ml-run-auditor/reproduction/v1"
SUMMARY: Final = "https://slsa.dev/verification_summary/v1"
"""SLSA's Verification Summary: the verdict for readers who know nothing of machine learning."""

VERIFIER: Final = "https://pypi.org/project/ml-run-auditor"
PROPERTY: Final = "ML_RUN_AUDITOR_DEPLOY"
"""What a summary says was verified, in the place where SLSA names its levels; no level of SLSA itself is claimed."""

CANONICAL: Final = "canonical manifest (RFC 8785)"
TREE: Final = "directory (format: tree)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a statement is about. ``form`` says what the digest covers where that is not the bytes of one file."""

    name: str
    digest: str
    form: str | None = None

    def described(self) -> dict[str, Any]:
        """The subject as in-toto writes it."""
        plain: dict[str, Any] = {"name": self.name, "digest": hexed(self.digest)}
        return plain if self.form is None else plain | {"annotations": {"form": self.form}}


def hexed(value: str) -> dict[str, str]:
    """A digest as in-toto writes it: the algorithm apart from the digits."""
    algorithm, _, digits = value.partition(":")
    return {algorithm: digits}


def payload(subjects: Sequence[Subject], kind: str, predicate: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: one statement in the one form that RFC 8785 allows.

    Raises:
        UsageError: there is nothing that the statement could be about.
    """
    if not subjects:
        raise UsageError("an attestation is about exact bytes, and the run names none", hint="record the run with --out")
    statement = {
        "_type": STATEMENT,
        "subject": [subject.described() for subject in subjects],
        "predicateType": kind,
        "predicate": finite(predicate),
    }
    return digest.canonical_bytes(statement)


def finite(value: Any) -> Any:
    """A JSON value with the numbers that JSON does not have made null, and tuples made lists."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case str():
            return str(value)
        case dict():
            return {str(key): finite(inner) for key, inner in value.items()}
        case list() | tuple():
            return [finite(inner) for inner in value]
        case _:
            return value
