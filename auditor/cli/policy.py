"""``auditor policy``: the rules in force, for people."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("policy")
def command() -> None:
    """Say in prose what the policy asks for."""


@command.command("explain", epilog="\b\nExamples:\n  auditor policy explain\n  auditor policy explain --base origin/main")
@click.option("--base", metavar="REF", help="Where the policy is read.  [default: origin/HEAD, main]")
def explain(base: str | None) -> None:
    """Explain the effective rules: gates, who approves, what is executed again, what is waived until when, the next review.

    They are those of the base, with what the ledger adds to them.
    """
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.render.policy import explain as prose  # noqa: PLC0415

    with records(Path.cwd(), base=base) as found:
        click.echo(prose(found.rulebook()))
