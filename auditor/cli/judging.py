"""What all judging commands share: their options, and a report printed on every way out but wrong usage."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from auditor.cli.ending import complain, say
from auditor.errors import (
    BrokenLedgerError,
    EmptySelectionError,
    LedgerError,
    PolicyError,
    RefusedError,
    UndecidableError,
    UsageError,
)
from auditor.gate.unjudged import unjudged
from auditor.model.report import Report
from auditor.render import RENDERERS

_FORMATS = list(RENDERERS)
_UNJUDGED = (EmptySelectionError, UndecidableError, PolicyError, LedgerError, BrokenLedgerError, RefusedError)


def judging(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--format``, ``--output``, ``--quiet`` and ``--no-color``."""
    options = [
        click.option(
            "--format", "form", type=click.Choice(_FORMATS), default="console", show_default=True, help="Form of the report."
        ),
        click.option(
            "--output", "outputs", multiple=True, metavar="FORMAT:FILE", help="Also write the report to FILE. Repeatable."
        ),
        click.option("--quiet", is_flag=True, help="Print no report; the exit code tells."),
        click.option("--no-color", is_flag=True, help="No colours, also on a terminal."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Printing:
    """Where and how a report is printed, as the options say."""

    form: str
    outputs: tuple[str, ...]
    quiet: bool
    no_color: bool

    @property
    def wants_runs(self) -> bool:
        """Whether some form of the report names every run, which takes memory where there are very many."""
        return bool(self.outputs) or self.form != "console"


def deliver(
    judge: Callable[[], Report], printing: Printing, *, gate: str | None, console: Callable[[Report], str] | None = None
) -> int:
    """Run ``judge``, print and write its report, and return the exit code.

    A judgement that cannot be made is reported, too: as undecided, with the reason. ``console`` is a form for people that
    takes the place of the usual one.
    """
    wanted = [_output(text) for text in printing.outputs]
    try:
        report = judge()
    except _UNJUDGED as error:
        report = unjudged(error, gate)
        complain(error)
    terminal = sys.stdout.isatty()
    color = terminal and not printing.no_color and "NO_COLOR" not in os.environ
    width = min(shutil.get_terminal_size().columns, 100) if terminal else 80
    if not printing.quiet:
        short = console if printing.form == "console" else None
        click.echo(short(report) if short else RENDERERS[printing.form](report, color=color, width=width), color=color)
    for name, path in wanted:
        try:
            path.write_text(RENDERERS[name](report) + "\n", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return report.exit


def progress(words: str) -> None:
    """Say on standard error what goes on, to a person who waits; logs stay free of it."""
    if sys.stderr.isatty():
        say(words)


def _output(text: str) -> tuple[str, Path]:
    name, colon, path = text.partition(":")
    if not colon or not path or name not in RENDERERS:
        raise UsageError(f"--output {text!r} is not FORMAT:FILE", hint=f"formats: {', '.join(_FORMATS)}")
    return name, Path(path)
