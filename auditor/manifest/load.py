"""From a document to the typed run that everything else works with."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import msgspec.inspect

from auditor.errors import UnreadableError
from auditor.manifest.places import pointer_of
from auditor.manifest.reader import Document
from auditor.manifest.shown import shown
from auditor.manifest.validate import SCHEMAS
from auditor.manifest.versions import newest
from auditor.model.run import Run

_PATH: Final = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]")


def to_run(document: Document) -> Run:
    """The claims of a run manifest. A value that fits a type may still break a rule of the schema: validate, too.

    Raises:
        UnreadableError: it is no run manifest of a readable version, or its shape is that of something else.
    """
    version = document.value.get("schema") if isinstance(document.value, dict) else None
    known = SCHEMAS["run-manifest"]
    if not isinstance(version, str) or version not in known:
        given = f"the schema version {shown(version)}" if version is not None else "a document without `schema`"
        raise _unreadable(document, "/schema", f"{given} is no run manifest that can be read; readable: {', '.join(known)}")
    try:
        return _convert(newest(document.value, version))
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        pointer = _pointer(path)
        raise _unreadable(document, pointer, f"{problem}{f' at {pointer}' if pointer else ''}") from error


def _convert(value: Any) -> Run:
    try:
        return msgspec.convert(value, Run)
    except msgspec.ValidationError:
        # JSON knows one kind of number: 12.0 is a whole one, has the canonical form and so the digest of 12.
        return msgspec.convert(_whole(value, msgspec.inspect.type_info(Run)), Run)


def _whole(value: Any, kind: msgspec.inspect.Type) -> Any:
    """``value`` with fractions such as 12.0 made integers where ``kind`` wants one; free-form values stay as they are."""
    match kind:
        case msgspec.inspect.UnionType(types=types):
            for member in types:
                value = _whole(value, member)
        case msgspec.inspect.StructType(fields=fields) if isinstance(value, dict):
            kinds = {field.encode_name: field.type for field in fields}
            return {key: _whole(child, kinds[key]) if key in kinds else child for key, child in value.items()}
        case msgspec.inspect.DictType(value_type=inner) if isinstance(value, dict):
            return {key: _whole(child, inner) for key, child in value.items()}
        case msgspec.inspect.VarTupleType(item_type=inner) if isinstance(value, list):
            return [_whole(child, inner) for child in value]
        case msgspec.inspect.IntType() if isinstance(value, float) and value.is_integer():
            return int(value)
    return value


def _pointer(path: str) -> str:
    """The JSON Pointer of a path as msgspec writes it (``.data[0].digest``), up to the first key it does not name."""
    parts: list[str] = []
    at = 0
    while match := _PATH.match(path, at):
        parts.append(match.group(1) or match.group(2))
        at = match.end()
    return pointer_of(parts)


def _unreadable(document: Document, pointer: str, message: str) -> UnreadableError:
    line, column = document.place(pointer) or (None, None)
    return UnreadableError(
        message, source=document.source, line=line, column=column, hint="`auditor check` names every defect of its shape"
    )
