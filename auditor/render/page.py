"""A page of plain, wrapped, optionally coloured lines. All text that reaches a terminal goes through here."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO

from rich.console import Console
from rich.text import Text

from auditor.render.text import disarmed, visible

_NARROWEST = 20


class Page:
    """Lines of ``width`` columns. Parts of a line are plain text or ``(text, style)``; no markup is understood in either."""

    def __init__(self, *, color: bool, width: int) -> None:
        self._width = max(width, _NARROWEST)
        # The environment stays out of it: what is printed depends on the arguments alone.
        environment: Mapping[str, str] = {}
        self._console = Console(
            file=StringIO(),
            width=self._width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            legacy_windows=False,
            markup=False,
            emoji=False,
            highlight=False,
            _environ=environment,
        )
        self._lines: list[str] = []

    def gap(self) -> None:
        """An empty line, unless the page begins here or the last line is empty already."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def line(self, *parts: str | tuple[str, str], indent: int = 0, hanging: int = 0, wrap: bool = True) -> None:
        """One line, wrapped at the page's width; what follows the first break is indented by ``hanging`` more columns."""
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(visible(words), style=style or None)
        if not wrap:
            self._add(text, indent)
            return
        first, *rest = text.wrap(self._console, self._width - indent, overflow="fold")
        if rest and hanging:
            # The first line is as it should be; what is left is wrapped once more, to the narrower measure.
            left = text[len(first.plain) :]
            left = left[len(left.plain) - len(left.plain.lstrip()) :]
            rest = list(left.wrap(self._console, self._width - indent - hanging, overflow="fold"))
        self._add(first, indent)
        for following in rest:
            self._add(following, indent + hanging)

    def text(self) -> str:
        """The page, without a newline at its end."""
        return "\n".join(self._lines).rstrip("\n")

    def _add(self, text: Text, indent: int) -> None:
        text.rstrip()
        with self._console.capture() as capture:
            self._console.print(text, end="", soft_wrap=True)
        self._lines.append(disarmed(f"{' ' * indent}{capture.get()}".rstrip()))
