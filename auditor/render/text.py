"""Makes text that came from a run harmless to a terminal and to a workflow log, without hiding what was in it."""

from __future__ import annotations

import unicodedata

_LONGEST = 2000
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SHOWN = frozenset("LMNPS")
"""Unicode categories that are seen as what they are: letters, marks, numbers, punctuation, symbols."""


def visible(text: str) -> str:
    r"""``text`` on one line, with every control, formatting or unassigned character spelt out (``\x1b``, ``\u202e``).

    Bytes of file names that are not UTF-8 appear as ``\xff``. Very long text is cut, and says how much is missing.
    """
    shown = "".join(map(_visible, text[:_LONGEST]))
    # An old form of workflow commands is obeyed anywhere in a line.
    shown = shown.replace("##[", "##\\[")
    return shown if len(text) <= _LONGEST else f"{shown}… ({len(text) - _LONGEST} more characters)"


def visible_lines(text: str) -> str:
    """``text`` with its line breaks kept, and every line made :func:`visible` and :func:`disarmed`."""
    return "\n".join(disarmed(visible(line)) for line in text.split("\n"))


def plain(value: str) -> str:
    """``value`` as text that every reader of UTF-8 accepts: lone surrogates, from bytes that are no UTF-8, are spelt out."""
    return "".join(_visible(sign) if "\ud800" <= sign <= "\udfff" else sign for sign in value)


def disarmed(line: str) -> str:
    """A finished line that no workflow runner takes for a command (``::error::`` at its start, blanks before it or not)."""
    bare = line.lstrip()
    return f"{line[: len(line) - len(bare)]}\\{bare}" if bare.startswith("::") else line


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category[0] in _SHOWN:
        return sign
    return " " if category == "Zs" else _NAMED.get(sign) or _spelt(ord(sign))


def _spelt(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is not UTF-8
        code -= 0xDC00
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
