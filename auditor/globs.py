"""Matches repository paths against shell patterns in which ``**`` stands for any number of folders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether ``path`` matches one of ``patterns`` (``*``, ``?``, ``[...]`` within a segment, ``**`` across segments)."""
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    segments = pattern.strip("/").split("/")
    parts = []
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "**":
            parts.append(".+" if last else "(?:[^/]+/)*")
        else:
            parts.append(_segment(segment) + ("" if last else "/"))
    return re.compile("".join(parts), re.DOTALL)


def _segment(segment: str) -> str:
    out, rest = "", segment
    while rest:
        if rest[0] == "*":
            out, rest = out + "[^/]*", rest.lstrip("*")
        elif rest[0] == "?":
            out, rest = out + "[^/]", rest[1:]
        elif rest[0] == "[" and "]" in rest[2:]:
            end = rest.index("]", 2)
            out, rest = out + _one_of(rest[1:end]), rest[end + 1 :]
        else:
            out, rest = out + re.escape(rest[0]), rest[1:]
    return out


def _one_of(characters: str) -> str:
    """The class of characters between brackets; a range that runs backwards makes what was typed mean itself."""
    rest, members = characters.removeprefix("!"), ""
    while rest:
        first, last = (rest[0], rest[2]) if len(rest) > 2 and rest[1] == "-" else (rest[0], None)
        if last is not None and last < first:
            return re.escape(f"[{characters}]")
        members += re.escape(first) if last is None else f"{re.escape(first)}-{re.escape(last)}"
        rest = rest[1 if last is None else 3 :]
    return f"(?!/)[{'^' if characters.startswith('!') else ''}{members}]"
