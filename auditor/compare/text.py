"""What was compared, as text for people (80 columns) and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from auditor.compare.anything import SCHEMA, Compared
from auditor.compare.explain import Difference
from auditor.model.comparison import Comparison
from auditor.model.words import Agreement, Outcome

_WIDTH: Final = 80
_SHOWN: Final = 40
_COLOURS: Final = {Outcome.PASSED: "32", Outcome.FAILED: "31", Outcome.INCONCLUSIVE: "33"}


def to_json(compared: Compared) -> str:
    """One JSON object, ``auditor/comparison/v1``; ``differences`` is there when it was asked to explain."""
    document: dict[str, object] = {
        "schema": SCHEMA,
        "agreement": str(compared.agreement),
        "comparisons": msgspec.to_builtins(compared.comparisons),
    }
    if compared.differences is not None:
        document["differences"] = msgspec.to_builtins(dict(compared.differences))
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False)


def to_text(compared: Compared, *, colour: bool = False) -> str:
    """The comparisons, worst first, then one line with the verdict."""
    lines: list[str] = []
    for comparison in compared.comparisons[:_SHOWN]:
        lines += _paragraph(comparison, colour=colour)
    hidden = Counter(str(comparison.agreement) for comparison in compared.comparisons[_SHOWN:])
    if hidden:
        rest = ", ".join(f"{count} {word}" for word, count in hidden.items())
        lines.append(f"  and {hidden.total()} more: {rest}")
    if compared.differences is not None:
        lines += ["", *_differences(compared.differences)]
    tally = Counter(str(comparison.agreement) for comparison in compared.comparisons)
    listed = ", ".join(f"{count} {word}" for word, count in tally.items())
    verdict = _coloured(str(compared.agreement), compared.agreement, colour=colour)
    return "\n".join([*lines, "", f"{verdict}: {listed or 'nothing was compared'}"])


def _paragraph(comparison: Comparison, *, colour: bool) -> Iterator[str]:
    word = _coloured(f"{comparison.agreement!s:<18}", comparison.agreement, colour=colour)
    yield f"  {word}{_shortened(comparison.of, _WIDTH - 20)}"
    details = "; ".join(_details(comparison))
    yield from textwrap.wrap(details, _WIDTH, initial_indent=" " * 20, subsequent_indent=" " * 20)


def _details(comparison: Comparison) -> Iterator[str]:
    if comparison.expected is not None or comparison.actual is not None:
        yield f"expected {_value(comparison.expected)}, actual {_value(comparison.actual)}"
    if comparison.excess:
        yield f"{comparison.excess:.3g} tolerances"
    if comparison.note:
        yield printable(comparison.note)
    if comparison.detectable is not None and comparison.agreement.outcome is Outcome.PASSED:
        yield f"smallest drift it could have rejected: {comparison.detectable:.3g}"


def _differences(differences: Mapping[str, tuple[Difference, ...]]) -> Iterator[str]:
    for group, found in differences.items():
        yield f"{group}: {len(found) or 'no'} difference{'' if len(found) == 1 else 's'}"
        for one in found[:_SHOWN]:
            text = f"{printable(one.at)}: {_value(one.expected)} -> {_value(one.actual)}"
            yield from textwrap.wrap(text, _WIDTH, initial_indent="  ", subsequent_indent="      ")
        if len(found) > _SHOWN:
            yield f"  and {len(found) - _SHOWN} more"


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    return _shortened(value if isinstance(value, str) else json.dumps(value, default=str), 160)


def _shortened(text: str, width: int) -> str:
    text = printable(text)
    return text if len(text) <= width else f"{text[: width // 2 - 2]}...{text[-(width - width // 2 - 1) :]}"


def printable(text: str) -> str:
    """``text`` without anything that a terminal would obey: control and format characters are shown as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def _coloured(text: str, agreement: Agreement, *, colour: bool) -> str:
    return f"\x1b[{_COLOURS[agreement.outcome]}m{text}\x1b[0m" if colour else text
