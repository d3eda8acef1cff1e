"""``auditor explain``: the manual page of a check."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from auditor.errors import UsageError


@click.command("explain", epilog="\b\nExamples:\n  auditor explain data/undigested-dataset")
@click.argument("check")
def command(check: str) -> None:
    """Say what CHECK flags, why it matters, how to fix it, and when it cannot decide."""
    from auditor.catalogue.check import catalogue  # noqa: PLC0415  (loaded when called)
    from auditor.gate.worktree import own_checks  # noqa: PLC0415
    from auditor.render.catalogue import manual  # noqa: PLC0415

    known = catalogue()
    if check not in known:
        known = {**known, **own_checks(Path.cwd())}
    if check not in known:
        near = difflib.get_close_matches(check, known, n=3)
        raise UsageError(
            f"there is no check called {check!r}",
            hint=f"did you mean {' or '.join(near)}?" if near else "`auditor checks` lists them",
        )
    click.echo(manual(known[check].rule, known[check].page, color=sys.stdout.isatty()))
