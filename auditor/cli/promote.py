"""``auditor promote``: an alias moves, after the gate and not before."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.ending import say
from auditor.cli.judging import Printing, deliver, judging


@click.command("promote", epilog="\b\nExamples:\n  auditor promote models:/digits/7 --alias champion")
@click.argument("version", metavar="models:/NAME/VERSION")
@click.option("--alias", required=True, metavar="A", help="The alias that is to lead to it.")
@click.option("--key", metavar="FILE", help="Signs the verdict and the promotion.  [default: AUDITOR_KEY]")
@click.option("--base", metavar="REF", help="The default branch.  [default: origin/HEAD, main, master]")
@judging
def command(version: str, alias: str, key: str | None, base: str | None, **report: Any) -> int:
    """Let an alias lead to a version, if the deploy gate is open for the bytes that the registry holds now.

    The alias moves only then; the promotion is an entry of the ledger, and whoever moves the alias otherwise is found out.
    """
    from auditor.cli.deploying import Options, registry  # noqa: PLC0415  (loaded when called)
    from auditor.gate.registry import promote  # noqa: PLC0415
    from auditor.model.report import Report  # noqa: PLC0415

    def judged() -> Report:
        done = promote(Options(key=key, base=base).request(), version, alias, registry())
        assert done.decided is not None  # noqa: S101  (the gate was asked)
        say(f"{alias} leads to {done.version.uri}" if done.decided.is_open else f"{alias} was not moved")
        return done.decided.report

    return deliver(judged, Printing(**report), gate="deploy")
