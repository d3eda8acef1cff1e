"""Turns a report into text: one module per format, each a pure function that is imported when it is first asked for.

The text does not end in a newline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from auditor.model.report import Report


class Renderer(Protocol):
    """Renders a report. ``color`` and ``width`` (columns) matter to formats for people only."""

    def __call__(self, report: Report, *, color: bool = False, width: int = 80) -> str:
        """The text of ``report``."""


def _console(report: Report, *, color: bool = False, width: int = 80) -> str:
    from auditor.render.console import render  # noqa: PLC0415  (rich is heavy)

    return render(report, color=color, width=width)


def _json(report: Report, *, color: bool = False, width: int = 80) -> str:  # noqa: ARG001  (the signature of all formats)
    from auditor.render.json import report_json  # noqa: PLC0415  (imported when asked for, as all formats are)

    return report_json(report)


def _markdown(report: Report, *, color: bool = False, width: int = 80) -> str:  # noqa: ARG001
    from auditor.render.markdown import render  # noqa: PLC0415

    return render(report)


def _sarif(report: Report, *, color: bool = False, width: int = 80) -> str:  # noqa: ARG001
    from auditor.render.sarif import render  # noqa: PLC0415

    return render(report)


def _junit(report: Report, *, color: bool = False, width: int = 80) -> str:  # noqa: ARG001
    from auditor.render.junit import render  # noqa: PLC0415

    return render(report)


def _html(report: Report, *, color: bool = False, width: int = 80) -> str:  # noqa: ARG001
    from auditor.render.html import render  # noqa: PLC0415

    return render(report)


RENDERERS: Mapping[str, Renderer] = {
    "console": _console,
    "json": _json,
    "markdown": _markdown,
    "sarif": _sarif,
    "junit": _junit,
    "html": _html,
}
"""Every format that ``--format`` knows, by name."""
