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
    escaped = characters.removeprefix("!").replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^").replace("]", r"\]")
    found = f"(?!/)[{'^' if characters.startswith('!') else ''}{escaped}]"
    try:
        re.compile(found)
    except re.error:  # a range that runs backwards holds nothing; what was typed is then meant as it stands
        return re.escape(f"[{characters}]")
    return found
