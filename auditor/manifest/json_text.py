"""JSON text to plain values, with the same refusals and the same bounds as YAML.

The standard library's parser builds the value; its hooks see whatever this product refuses. Only then, or when somebody asks
for places, does :func:`places` walk the text itself and find where the defect stands.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from auditor.errors import UnreadableError
from auditor.manifest.limits import Limits
from auditor.manifest.places import Place, Spot
from auditor.manifest.scalars import DoubtfulScalarError, floating, integer
from auditor.manifest.shown import clean, shorten

_TOKEN: Final = re.compile(r'[ \t\n\r]*(?:([{}\[\],:])|("[^"\\]*(?:\\.[^"\\]*)*")|([^ \t\n\r{}\[\],:"]+))', re.DOTALL)
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ENDLESS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


class _SuspectError(Exception):
    """Something that is refused was seen; where it stands is not known yet."""


def parse(text: str, *, source: str, limits: Limits) -> Any:
    """The document in ``text`` as dicts, lists and scalars.

    Raises:
        UnreadableError: it is not JSON, or uses what this product refuses, or is too deep or too long.
    """
    try:
        if text.count(",") + text.count("[") + text.count("{") >= limits.nodes or _HALF.search(text):
            raise _SuspectError  # noqa: TRY301  # one way out for all that needs the careful walk
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax(error, source) from error
    except (_SuspectError, RecursionError, DoubtfulScalarError):
        return _parse_carefully(text, source, limits)
    return _parse_carefully(text, source, limits) if _deeper_than(value, limits.depth) else value


def places(text: str, *, source: str, limits: Limits) -> Spot:
    """Where every node stands.

    Raises:
        UnreadableError: at the first thing that this product refuses.
    """
    return _Walk(text, source, limits).places()


def _parse_carefully(text: str, source: str, limits: Limits) -> Any:
    """Walks the text first, which names the place of whatever is refused, and only then builds the value."""
    places(text, source=source, limits=limits)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise _syntax(error, source) from error
    except (_SuspectError, DoubtfulScalarError) as error:
        # The parser met it before the end of a word that is none (`5%5`), at which the walk looked as a whole.
        why = "something stands where no JSON has it" if isinstance(error, _SuspectError) else error.message
        raise UnreadableError(f"not valid JSON: {why}", source=source, hint="see what stands before and after it") from error


def _syntax(error: json.JSONDecodeError, source: str) -> UnreadableError:
    return UnreadableError(
        f"not valid JSON: {error.msg}",
        source=source,
        line=error.lineno,
        column=error.colno,
        hint="JSON has double quotes, no comments and no comma after the last entry",
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise _SuspectError
    return built


def _constant(_: str) -> NoReturn:
    raise _SuspectError


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=integer, parse_float=floating, parse_constant=_constant
)


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


class _Frame:
    """An open list or object: its spot, and for an object the key whose value comes next."""

    __slots__ = ("is_object", "key", "spot")

    def __init__(self, spot: Spot, *, is_object: bool) -> None:
        self.spot = spot
        self.is_object = is_object
        self.key: str | None = None

    @property
    def wants_key(self) -> bool:
        """Whether the next string is a key."""
        return self.is_object and self.key is None

    def add(self, spot: Spot) -> None:
        """Takes the value that came now."""
        self.spot.children[str(len(self.spot.children)) if self.key is None else self.key] = spot
        self.key = None


class _Walk:
    """One pass over the tokens; grammar is left to the parser, places and refusals are its business."""

    def __init__(self, text: str, source: str, limits: Limits) -> None:
        self._text = text
        self._source = source
        self._limits = limits
        self._line = 1
        self._line_start = 0
        self._counted = 0
        self._at = 0
        self._nodes = 0

    def places(self) -> Spot:
        """Where every node stands."""
        stack = [_Frame(Spot((1, 1)), is_object=False)]
        root = stack[0].spot
        for match in _TOKEN.finditer(self._text):
            punctuation, string, word = match.groups()
            self._at = match.start(match.lastindex or 0)
            if punctuation in ("}", "]"):
                if len(stack) > 1:
                    stack.pop()
            elif punctuation not in (",", ":"):
                decoded = self._string(string) if string is not None else None
                if decoded is not None and stack[-1].wants_key:
                    self._key(decoded, stack[-1])
                    continue
                if word is not None:
                    self._word(word)
                spot = self._spot()
                stack[-1].add(spot)
                if punctuation is not None:
                    self._open(stack)
                    stack.append(_Frame(spot, is_object=punctuation == "{"))
        return root.children.get("0", root)

    def _spot(self) -> Spot:
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            self._refuse(f"more than {self._limits.nodes:,} values", "split the document, or keep bulk data elsewhere")
        return Spot(self._place())

    def _open(self, stack: list[_Frame]) -> None:
        if len(stack) > self._limits.depth:
            self._refuse(f"nested more than {self._limits.depth} levels deep", "flatten the document")

    def _key(self, key: str, frame: _Frame) -> None:
        if key in frame.spot.children:
            self._refuse(f"the key {shorten(clean(key))} is given twice", "keep one of the two")
        frame.key = key

    def _string(self, token: str) -> str:
        if "\\" not in token:
            return token[1:-1]
        try:
            decoded = str(json.loads(token))
        except json.JSONDecodeError as error:
            self._refuse(f"not valid JSON: {error.msg}", r"write a backslash as \\ and other signs as \uXXXX")
        if _SURROGATE.search(decoded):
            self._refuse("half of a surrogate pair is no character", r"write both halves, or the character itself")
        return decoded

    def _word(self, word: str) -> None:
        if word in _ENDLESS:
            self._refuse(
                f"{word} is not a finite number, and has no JSON form", "leave it out and say why under `unavailable`"
            )
        try:
            if re.fullmatch(r"-?[0-9]+", word):
                integer(word)
            elif re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", word):
                floating(word)
        except DoubtfulScalarError as error:
            self._refuse(error.message, error.hint)

    def _place(self) -> Place:
        """Line and column of the current token; the text before it is counted once."""
        self._line += self._text.count("\n", self._counted, self._at)
        newline = self._text.rfind("\n", self._counted, self._at)
        if newline >= 0:
            self._line_start = newline + 1
        self._counted = self._at
        return self._line, self._at - self._line_start + 1

    def _refuse(self, message: str, hint: str) -> NoReturn:
        line, column = self._place()
        raise UnreadableError(message, source=self._source, line=line, column=column, hint=hint)
