"""``auditor chaos``: find out which accidental surroundings a recorded run depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.judging import Printing, deliver, judging, progress
from auditor.model.words import Isolation


@click.command(
    "chaos",
    epilog="""\b
Factors: hash-seed, directory-order, clock, time-zone, working-directory,
processors, locale, home, memory, addresses, entropy, threads.

\b
Exit codes: 0 whatever was found, 4 when a budget left something out or the
command cannot be run.""",
)
@click.argument("manifest")
@click.option(
    "--isolation",
    type=click.Choice([Isolation.BWRAP.value, Isolation.NONE.value]),
    help="What stands between the code and this machine.  [default: bwrap where it works, else none]",
)
@click.option("--budget", metavar="DURATION", help="The longest time it may take, for example 10m.")
@judging
def command(manifest: str, isolation: str | None, budget: str | None, **report: Any) -> int:
    """Find out which of twelve accidental surroundings the run of MANIFEST depends on.

    Its smoke reproduction is executed twice with all of them held fixed, once with all of them varied, and as often as it
    takes to find the culprits: three executions for a robust run, about ten for a fragile one.
    """
    from auditor.diagnose.report import chaos  # noqa: PLC0415  (loaded when called)
    from auditor.gate.experiment import Asked  # noqa: PLC0415
    from auditor.policy.load import duration  # noqa: PLC0415

    asked = Asked(
        root=Path.cwd(),
        manifest=manifest,
        isolation=Isolation(isolation) if isolation else None,
        budget=duration(budget) if budget else None,
        progress=progress,
    )
    return deliver(lambda: chaos(asked), Printing(**report), gate=None)
