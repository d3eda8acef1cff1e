"""Whether a value has the shape that its schema asks for, and, when it has not, what a person needs to know to mend it.

``jsonschema-rs`` decides: it is two hundred times faster. ``jsonschema`` explains what was refused: it keeps the tree of
causes. Both read the same files, and a test holds them to the same verdicts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

import jsonschema_rs

from auditor.manifest.places import pointer_of
from auditor.manifest.shown import shown
from auditor.resources import folder

Kind = Literal["run-manifest", "policy", "report", "band", "evidence"]

SCHEMAS: Final[dict[Kind, dict[str, str]]] = {
    "run-manifest": {"auditor/run-manifest/v1": "run-manifest.v1.schema.json"},
    "policy": {"auditor/policy/v1": "policy.v1.schema.json"},
    "report": {"auditor/report/v1": "report.v1.schema.json"},
    "band": {"auditor/band/v1": "band.v1.schema.json"},
    "evidence": {"auditor/evidence/v1": "evidence.v1.schema.json"},
}
"""File of every schema version that can be read, by what documents of that version say under ``schema``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One defect of shape: where it is (JSON Pointer), what is wrong and expected, and how to mend it."""

    pointer: str
    message: str
    fix: str


def violations(value: object, kind: Kind) -> list[Violation]:
    """What is wrong with the shape of ``value``, in words; empty when nothing is. Never more than about fifty."""
    version = value.get("schema") if isinstance(value, dict) else None
    name = SCHEMAS[kind].get(version) if isinstance(version, str) else None
    if name is None:
        return [_unknown_version(value, kind)]
    if _validator(name).is_valid(value):
        return []
    from auditor.manifest.explain import explain  # noqa: PLC0415  # jsonschema takes long to import, and only explains

    if explained := explain(value, schema(name)):
        return explained
    # The two validators disagree, which a test forbids; what was refused stays refused, in the words of the one that did.
    return [
        Violation(
            pointer=pointer_of(error.instance_path), message=error.message, fix="mend it, and report this message to us"
        )
        for error in _validator(name).iter_errors(value)
    ][:1]


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema in the file ``name`` of the schemas folder; shared, not to be changed."""
    loaded: dict[str, Any] = json.loads((folder("schemas") / name).read_bytes())
    return loaded


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema(name))


def _unknown_version(value: object, kind: Kind) -> Violation:
    what = kind.replace("-", " ")
    known = ", ".join(SCHEMAS[kind])
    if not isinstance(value, dict):
        return Violation(
            pointer="", message=f"a {what} is an object, this is {shown(value)}", fix=f"start it with `schema: {known}`"
        )
    if "schema" not in value:
        return Violation(
            pointer="", message="`schema` is missing, so nobody can tell what the rest means", fix=f"add `schema: {known}`"
        )
    given = value["schema"]
    for other, versions in SCHEMAS.items():
        if isinstance(given, str) and given in versions:
            return Violation(
                pointer="/schema",
                message=f"this is a {other.replace('-', ' ')} ({given}), where a {what} is expected",
                fix=f"name a {what} here, or write `schema: {known}` if it is one",
            )
    return Violation(
        pointer="/schema",
        message=f"the schema version {shown(given)} is not known; a {what} of these versions can be read: {known}",
        fix="install the auditor that wrote it or a newer one, or correct the version",
    )
