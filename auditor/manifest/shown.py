"""Values of a document as they may be shown to a person: shortened, and unable to steer a terminal."""

from __future__ import annotations

import json

_WIDTH = 60


def clean(text: str) -> str:
    """``text`` with every character that does not print replaced by its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def shorten(text: str, width: int = _WIDTH) -> str:
    """``text``, its middle left out when it is longer than ``width`` characters."""
    if len(text) <= width:
        return text
    head = (width - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def shown(value: object) -> str:
    """``value`` as short JSON; lists and objects by their number of entries alone."""
    match value:
        case dict():
            return "an empty object" if not value else f"an object of {len(value)} entries"
        case list():
            return "an empty list" if not value else f"a list of {len(value)} entries"
        case str():
            return clean(json.dumps(shorten(value), ensure_ascii=False))
        case _:
            return shorten(json.dumps(value))
