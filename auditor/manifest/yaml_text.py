"""YAML text to plain values, through libyaml's events: nothing is built before its bound is checked."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

import yaml

from auditor.errors import UnreadableError
from auditor.manifest.limits import Limits
from auditor.manifest.places import Place, Spot
from auditor.manifest.scalars import DoubtfulScalarError, is_plain_text, plain
from auditor.manifest.shown import clean, shorten

try:
    from yaml.cyaml import CParser as Events  # type: ignore[attr-defined]  # there, though not in its __all__
except ImportError:  # PyYAML built without libyaml: slower, same events
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class Events(Reader, Scanner, Parser):  # type: ignore[no-redef]
        """The pure-Python event parser."""

        def __init__(self, stream: str) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)


_PRINTABLE_ASCII: Final = bytes([9, 10, 13, *range(32, 127)])
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NO_KEY: Final = object()
_OPEN: Final = object()


def parse(text: str, *, source: str, limits: Limits) -> Any:
    """The one document in ``text`` as dicts, lists and scalars.

    Raises:
        UnreadableError: it is not YAML, or uses what this product refuses, or is too deep or too long.
    """
    _refuse_characters(text, source)
    try:
        return _Builder(Events(text), source, limits).document()
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem):  # newer parsers look ahead and have a bound of their own, looser than ours
            raise UnreadableError(
                f"nested more than {limits.depth} levels deep", source=source, hint="flatten the document"
            ) from error
        _raise_syntax(error, source)
    except yaml.YAMLError as error:  # pragma: no cover  # a reader error that the character check did not foresee
        raise UnreadableError(f"not valid YAML: {clean(str(error))}", source=source) from error


def places(text: str) -> Spot:
    """Where every node of a document stands that :func:`parse` accepted.

    What an alias stands for has no places of its own: there the alias is the last node.
    """
    root = Spot((1, 1))
    stack: list[tuple[Spot, str | None, bool]] = []  # of the containers around: spot, pending key, is it a mapping
    here, key, is_mapping = root, None, False
    for event in iter(Events(text).get_event, None):
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            here, key, is_mapping = stack.pop()
        elif kind is yaml.ScalarEvent and is_mapping and key is None:
            key = event.value  # type: ignore[attr-defined]  # the type of a scalar event has one
        elif isinstance(event, yaml.NodeEvent):
            spot = Spot(_place(event))
            here.children[str(len(here.children)) if key is None else key] = spot
            key = None
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                stack.append((here, key, is_mapping))
                here, is_mapping = spot, kind is yaml.MappingStartEvent
    return root.children["0"]


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _refuse_characters(text: str, source: str) -> None:
    """Refuses what YAML forbids, and the breaks (U+0085, U+2028, U+2029) that YAML 1.1 and 1.2 treat differently."""
    if text.isascii() and not text.encode().translate(None, _PRINTABLE_ASCII):
        return
    if match := _FORBIDDEN.search(text):
        start = match.start()
        raise UnreadableError(
            f"the character U+{ord(match.group()):04X} must not stand in YAML as it is",
            source=source,
            line=text.count("\n", 0, start) + 1,
            column=start - text.rfind("\n", 0, start),
            hint=f'write it as "\\u{ord(match.group()):04x}" inside double quotes, or remove it',
        )


def _raise_syntax(error: yaml.MarkedYAMLError, source: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    problem = ", ".join(clean(part) for part in (error.problem, error.context) if part)
    raise UnreadableError(
        f"not valid YAML: {problem}",
        source=source,
        line=None if mark is None else mark.line + 1,
        column=None if mark is None else mark.column + 1,
        hint='indent with spaces, close every quote and bracket, and put text that contains ": ", " #" or a leading '
        "sign such as @ % ` * & ! into quotes",
    ) from error


def _measure(value: Any) -> tuple[int, int, int]:
    """Number of values in ``value``, itself included, levels of nesting, and characters of text."""
    nodes = height = characters = 0
    level = [value]
    while level:
        nodes += len(level)
        characters += sum(len(node) for node in level if type(node) is str)
        characters += sum(len(key) for node in level if type(node) is dict for key in node)
        containers = [node for node in level if type(node) is dict or type(node) is list]
        height += bool(containers)
        level = [child for node in containers for child in (node.values() if type(node) is dict else node)]
    return nodes, height, characters


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(child) for key, child in value.items()}
    return [_copy(child) for child in value] if type(value) is list else value


class _Builder:
    """Turns the events of one document into one value, keeping count."""

    def __init__(self, events: Any, source: str, limits: Limits) -> None:
        self._next = events.get_event
        self._source = source
        self._limits = limits
        self._anchors: dict[str, Any] = {}
        self._aliased = 0
        self._aliased_text = 0

    def document(self) -> Any:
        """The value of the only document."""
        self._next()  # the start of the stream
        start = self._next()
        if type(start) is yaml.StreamEndEvent:
            raise UnreadableError(
                "the file holds nothing but blanks and comments", source=self._source, hint="write a document into it"
            )
        if start.version or start.tags:
            self._refuse(start, "YAML directives (%YAML, %TAG) are not read", "remove the lines that start with %")
        value = self._node()
        self._next()  # the end of the document
        after = self._next()
        if type(after) is not yaml.StreamEndEvent:
            self._refuse(after, "a second document starts here", "keep one document to a file; remove the --- line")
        return value

    def _node(self) -> Any:  # noqa: C901, PLR0912  # one flat loop over locals: half the time of reading goes here
        """The root node, with everything below it."""
        # A loop with a stack of its own, so that hostile depth never reaches the interpreter's.
        root: list[Any] = []
        here: Any = root
        key: Any = None
        stack: list[tuple[Any, Any, str | None]] = []
        scalar, sequence, mapping = yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent
        following, nodes, most = self._next, 0, self._limits.nodes
        while True:
            event = following()
            kind = type(event)
            if kind is scalar:
                if event.tag is not None:
                    self._refuse_tag(event)
                text = event.value
                if key is _NO_KEY:
                    if event.anchor is not None or text in here:
                        self._refuse_key(event)
                    if not event.style and (text == "<<" or not is_plain_text(text)):
                        self._refuse_key(event)
                    key = text
                    continue
                value = text if event.style or is_plain_text(text) else self._plain(event)
                if event.anchor is not None:
                    self._define(event, value)
            elif kind is mapping or kind is sequence:
                if key is _NO_KEY:
                    self._refuse(event, "a list or object cannot be a key", "use text as the key")
                self._open(event, len(stack))
                stack.append((here, key, event.anchor))
                here, key = ({}, _NO_KEY) if kind is mapping else ([], None)
                continue
            elif kind is yaml.AliasEvent:
                if key is _NO_KEY:
                    self._refuse(event, "an alias cannot be a key", "write the key out")
                value = self._alias(event, len(stack))
            else:  # the end of a mapping or sequence
                value = here
                here, key, anchor = stack.pop()
                if anchor is not None:
                    self._anchors[anchor] = value
            nodes += 1
            if nodes + self._aliased > most:
                self._refuse(
                    event, f"more than {most:,} values", "split the document, or keep bulk data in a file of its own"
                )
            if key is None:
                here.append(value)
            else:
                here[key] = value
                key = _NO_KEY
            if not stack:
                return root[0]

    def _plain(self, event: Any) -> Any:
        try:
            return plain(event.value)
        except DoubtfulScalarError as error:
            self._refuse(event, error.message, error.hint)

    def _refuse_key(self, event: Any) -> NoReturn:
        text: str = event.value
        shown = shorten(clean(text))
        if not event.style:
            if text == "<<":
                self._refuse(event, "merge keys (<<) are not read", "write the merged entries out")
            if type(self._plain(event)) is not str:
                self._refuse(event, f"the key {shown or '(empty)'} is not text", f'write it in quotes: "{shown}"')
        if event.anchor is not None:
            self._refuse(event, "an anchor cannot stand on a key", "remove the &name")
        self._refuse(event, f"the key {shown} is given twice", "keep one of the two")

    def _open(self, event: Any, depth: int) -> None:
        if event.tag is not None:
            self._refuse_tag(event)
        if depth >= self._limits.depth:
            self._refuse(event, f"nested more than {self._limits.depth} levels deep", "flatten the document")
        if event.anchor is not None:
            self._define(event, _OPEN)

    def _define(self, event: Any, value: Any) -> None:
        if event.anchor in self._anchors:
            self._refuse(event, f"the anchor &{shorten(event.anchor)} is defined twice", "give each anchor its own name")
        self._anchors[event.anchor] = value

    def _alias(self, event: Any, depth: int) -> Any:
        name = shorten(event.anchor)
        value = self._anchors.get(event.anchor, _NO_KEY)
        if value is _NO_KEY:
            self._refuse(event, f"the alias *{name} has no anchor &{name} before it", "write the value out")
        if value is _OPEN:
            self._refuse(event, f"the alias *{name} contains itself", "write the value out")
        added, height, characters = _measure(value)
        self._aliased += added
        self._aliased_text += characters
        if self._aliased > self._limits.aliased:
            self._refuse(event, f"aliases expand to more than {self._limits.aliased:,} values", "write the values out")
        if self._aliased_text > self._limits.aliased_text:
            most = f"{self._limits.aliased_text:,} characters"
            self._refuse(event, f"aliases expand to more than {most} of text", "write the values out")
        if depth + height > self._limits.depth:
            self._refuse(event, f"nested more than {self._limits.depth} levels deep", "flatten the document")
        return _copy(value)

    def _refuse_tag(self, event: Any) -> NoReturn:
        self._refuse(
            event, f"the tag {shorten(clean(event.tag))} is refused: tags are not read", "remove it; quote what is text"
        )

    def _refuse(self, event: Any, message: str, hint: str) -> NoReturn:
        line, column = _place(event)
        raise UnreadableError(message, source=self._source, line=line, column=column, hint=hint)
