"""YAML that the reader reads back to the identical value, and files that are there whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from auditor.manifest.limits import DEFAULT, LARGEST_INTEGER
from auditor.manifest.scalars import is_plain_text

_UNQUOTED: Final = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_./@+=~^()%-]|[,:](?=[A-Za-z0-9_./])| (?=[A-Za-z0-9_(]))*")
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_LONGEST_SIMPLE_KEY: Final = 1000  # YAML allows 1024 characters up to the colon


def dump(value: dict[str, Any]) -> str:
    """``value`` in block style, keys in their order.

    Raises:
        ValueError: part of it has no form that the reader accepts: a number that is not finite or not exact, half of a
            surrogate pair, a key that is not text, another type than JSON has, too deep, or too large.
    """
    text = "\n".join(_lines(value, 0)) + "\n"
    if len(text.encode()) > DEFAULT.size:
        raise ValueError(f"the document is larger than {DEFAULT.size:,} bytes")
    return text


def write(path: Path, text: str) -> None:
    """Puts ``text`` at ``path`` as UTF-8 in one step, replacing what is there; makes missing parent folders.

    Whoever looks sees the old file or the whole new one, also after a crash or an interrupt.

    Raises:
        OSError: it cannot be written; then ``path`` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not the name itself with a suffix: that could be too long, or match a pattern of manifests.
    beside = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(handle)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _lines(value: Any, depth: int) -> Iterator[str]:
    """The lines of one node, not indented."""
    if isinstance(value, (dict, list)) and depth >= DEFAULT.depth:
        raise ValueError(f"nested more than {DEFAULT.depth} levels deep")
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _entry(key, child, depth)
    elif isinstance(value, list) and value:
        for child in value:
            # The first line of a child stands behind its dash; the others are indented as far.
            for number, line in enumerate(_lines(child, depth + 1)):
                yield f"{'  ' if number else '- '}{line}"
    else:
        yield _scalar(value)


def _entry(key: object, child: Any, depth: int) -> Iterator[str]:
    if not isinstance(key, str):
        raise ValueError(f"the key {key!r} is not text")  # noqa: TRY004  # one error for all that has no form
    name = _text(key)
    head = f"{name}:"
    if len(name) > _LONGEST_SIMPLE_KEY:
        yield f"? {name}"
        head = ":"
    if isinstance(child, (dict, list)) and child:
        yield head
        for line in _lines(child, depth + 1):
            yield f"  {line}"
    else:
        for line in _lines(child, depth + 1):
            yield f"{head} {line}"


def _scalar(value: Any) -> str:
    match value:
        case None | bool() | dict() | list():  # of the last two only empty ones come here
            return json.dumps(value)
        case int():
            if abs(value) > LARGEST_INTEGER:
                raise ValueError(f"the integer {value} lies beyond ±(2^53 - 1); write it as text")
            return str(int(value))
        case float():
            return _float(value)
        case str():
            return _text(value)
        case _:
            raise ValueError(f"{type(value).__name__} is no JSON type")


def _float(value: float) -> str:
    """The shortest digits that read back to the same bits, with the point that every YAML reader wants to see."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    mantissa, sign, exponent = float.__repr__(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{sign}{exponent}"


def _text(value: str) -> str:
    if _UNQUOTED.fullmatch(value) and is_plain_text(value) and len(value) <= _LONGEST_SIMPLE_KEY:
        return str(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text {value[:40]!r} holds half of a surrogate pair") from error
    # JSON's escapes are a part of YAML's.
    return _ESCAPED.sub(lambda sign: f"\\u{ord(sign.group()):04x}", json.dumps(value, ensure_ascii=False))
