"""Follows JSON Pointers (RFC 6901) into a value."""

from __future__ import annotations

from auditor.model.run import Json


def escaped(key: str) -> str:
    """``key`` as one part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def at_pointer(value: Json, pointer: str) -> tuple[Json, ...]:
    """The value at ``pointer``, alone in a tuple; an empty tuple when nothing stands there."""
    if pointer and not pointer.startswith("/"):
        return ()
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif (
            isinstance(value, list | tuple) and key.isdecimal() and key.isascii() and len(key) < 10 and int(key) < len(value)
        ):
            value = value[int(key)]
        else:
            return ()
    return (value,)
