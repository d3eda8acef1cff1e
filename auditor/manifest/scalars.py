"""What an unquoted YAML scalar means: only what every reader of YAML and every person takes it for.

YAML 1.1 (PyYAML, libyaml's users) and YAML 1.2 (most later parsers) disagree about ``1e-4``, ``0123``, ``no`` or
``12:30:45``, and about what a commit id such as ``1234567e10`` is. A document that two programs read differently cannot be
evidence, so such a scalar is refused with the two spellings that leave no doubt. Where both agree, so does this module.
Unquoted dates stay text: that is what people and the JSON data model take them for.
"""

from __future__ import annotations

import math
import re
from typing import Final

from auditor.manifest.limits import LARGEST_INTEGER
from auditor.manifest.shown import clean, shorten

Scalar = str | int | float | bool | None


class DoubtfulScalarError(ValueError):
    """A scalar that has no single meaning. ``hint`` names the spellings that have one."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


_NUMBER: Final = re.compile(
    r"""
      (?P<integer> [-+]?(?:0|[1-9][0-9]*) )
    | (?P<float>   (?:[-+]?(?:0|[1-9][0-9]*)\.[0-9]* | \.[0-9]+) (?:[eE][-+][0-9]+)? )
    | (?P<exponent>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+) [eE][-+]?[0-9]+ )
    | (?P<base>    [-+]?0(?:[0-7_]+|[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+) )
    | (?P<padded>  [-+]?0[0-9_]+(?:\.[0-9_]*(?:[eE][-+]?[0-9]+)?)? )
    | (?P<grouped> [-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*) (?:[eE][-+]?[0-9]+)? )
    | (?P<sixty>   [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)? )
    | (?P<endless> [-+]?\.?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN]) )
    """,
    re.VERBOSE,
)
_NUMERIC: Final = frozenset("0123456789+-.")


def is_plain_text(text: str) -> bool:
    """Whether the unquoted scalar ``text`` is text to every reader; :func:`plain` says what else it is."""
    return _NUMBER.fullmatch(text) is None if text[:1] in _NUMERIC else text not in _WORDS


def plain(text: str) -> Scalar:
    """The value of the unquoted scalar ``text``.

    Raises:
        DoubtfulScalarError: readers of YAML disagree about it, or it has no JSON form.
    """
    if is_plain_text(text):
        return text
    if text[:1] in _NUMERIC:
        return _numeric(text)
    value = _WORDS[text]
    if isinstance(value, _Doubt):
        raise value.error(text)
    return value  # type: ignore[return-value]  # None or a truth value: doubts are dealt with above


def integer(text: str) -> int:
    """The value of a decimal integer.

    Raises:
        DoubtfulScalarError: it lies beyond 2^53 - 1.
    """
    if len(text) <= 17:
        value = int(text)
        if -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            return value
    raise DoubtfulScalarError(
        f"the integer {shorten(text)} lies beyond ±(2^53 - 1), where programs no longer agree on its value",
        f'write it as text: "{shorten(text)}"',
    )


def floating(text: str) -> float:
    """The value of a decimal fraction.

    Raises:
        DoubtfulScalarError: it is too large for a 64-bit float.
    """
    value = float(text)
    if math.isfinite(value):
        return value
    raise DoubtfulScalarError(
        f"the number {shorten(text)} is too large for a 64-bit float", f'write it as text: "{shorten(text)}"'
    )


def _numeric(text: str) -> int | float:
    match = _NUMBER.fullmatch(text)
    kind = match.lastgroup if match else None
    if kind == "integer":
        return integer(text)
    if kind == "float":
        return floating(text)
    raise _DOUBTS[str(kind)].error(text)


def _unambiguous(text: str) -> str:
    """The one spelling of a number with an exponent that YAML 1.1 and 1.2 read alike."""
    mantissa, _, exponent = text.lower().partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    sign, digits = (exponent[0], exponent[1:]) if exponent[0] in "+-" else ("+", exponent)
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    return f"{'-' if text[0] == '-' else ''}{whole.lstrip('0') or '0'}.{fraction or '0'}e{sign}{digits}"


class _Doubt:
    """Why a kind of scalar is refused, and what to write instead of it, besides the quoted text."""

    def __init__(self, why: str, instead: str) -> None:
        self._why = why
        self._instead = instead

    def error(self, text: str) -> DoubtfulScalarError:
        short = shorten(clean(text), 40)
        instead = self._instead.format(number=_unambiguous(text)) if "{number}" in self._instead else self._instead
        return DoubtfulScalarError(f"{short} is {self._why}", f'write "{short}" (in quotes) for the text, {instead}')


_DOUBTS: Final = {
    "exponent": _Doubt("a number to some readers of YAML and text to others", "{number} for the number"),
    "base": _Doubt(
        "an octal, hexadecimal or binary number to some readers of YAML and something else to others",
        "or the number in plain decimal digits",
    ),
    "padded": _Doubt("a number with leading zeros, which readers of YAML take differently", "or leave out the zeros"),
    "grouped": _Doubt("a number to some readers of YAML and text to others", "or the number in plain digits"),
    "sixty": _Doubt("a base-60 number to some readers of YAML and text to others", "or the number in plain digits"),
    "endless": _Doubt("not a finite number, and has no JSON form", "or leave the value out and say why under `unavailable`"),
}
_YES: Final = _Doubt("a truth value to some readers of YAML and text to others", "or true")
_NO: Final = _Doubt("a truth value to some readers of YAML and text to others", "or false")


def _spellings(*words: str) -> set[str]:
    return {spelling for word in words for spelling in (word, word.capitalize(), word.upper())}


_WORDS: Final[dict[str, object]] = {
    "": None,
    "~": None,
    **dict.fromkeys(_spellings("null"), None),
    **dict.fromkeys(_spellings("true"), True),
    **dict.fromkeys(_spellings("false"), False),
    **dict.fromkeys(_spellings("yes", "on", "y"), _YES),
    **dict.fromkeys(_spellings("no", "off", "n"), _NO),
    **dict.fromkeys(_spellings("inf", "infinity", "nan") | {"NaN"}, _DOUBTS["endless"]),
}
