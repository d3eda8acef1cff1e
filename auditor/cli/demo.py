"""``auditor demo``: the whole product in one minute."""

from __future__ import annotations

import click

from auditor.model.words import Exit


@click.command("demo", epilog="\b\nExamples:\n  auditor demo")
def command() -> Exit:
    """Watch a real run be recorded, re-executed and let through; then be tampered with in six ways, and blocked.

    Everything happens in a temporary repository. Needs scikit-learn: pip install 'ml-run-auditor[demo]'.
    """
    from auditor.demo.story import play  # noqa: PLC0415  (loaded when called)
    from auditor.render.text import visible_lines  # noqa: PLC0415

    return play(lambda words: click.echo(visible_lines(words)))
