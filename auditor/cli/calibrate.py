"""``auditor calibrate``: learn how much a recorded run varies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.judging import Printing, deliver, judging, progress
from auditor.model.words import Isolation


@click.command(
    "calibrate",
    epilog="""\b
Exit codes: 0 whatever was found, 4 when a budget left something out or the
command cannot be run.""",
)
@click.argument("manifest")
@click.option(
    "--repeats", type=click.IntRange(3, 1000), default=5, show_default=True, metavar="N", help="Other seeds to run."
)
@click.option("--power", is_flag=True, help="Also send known-bad replicas through what was learned.")
@click.option("--out", metavar="FILE", help="Where to write the bands.  [default: bands/RUN.band.yaml]")
@click.option(
    "--isolation",
    type=click.Choice([Isolation.BWRAP.value, Isolation.NONE.value]),
    help="What stands between the code and this machine.  [default: bwrap where it works, else none]",
)
@click.option("--budget", metavar="DURATION", help="The longest time it may take, for example 30m.")
@judging
def command(  # noqa: PLR0913  (one parameter for each option)
    *,
    manifest: str,
    repeats: int,
    power: bool,
    out: str | None,
    isolation: str | None,
    budget: str | None,
    **report: Any,
) -> int:
    """Learn a band of noise for the run of MANIFEST: between the machine that recorded it and this one.

    The smoke reproduction is executed with N other seeds. The bands count once the policy names their file (bands) on
    the ref that policies are read from. Says what drift they could see, and whether the claim was picked among seeds.
    """
    from auditor.diagnose.report import calibrate  # noqa: PLC0415  (loaded when called)
    from auditor.gate.experiment import Asked  # noqa: PLC0415
    from auditor.policy.load import duration  # noqa: PLC0415

    asked = Asked(
        root=Path.cwd(),
        manifest=manifest,
        isolation=Isolation(isolation) if isolation else None,
        budget=duration(budget) if budget else None,
        progress=progress,
    )
    return deliver(lambda: calibrate(asked, repeats=repeats, power=power, out=out), Printing(**report), gate=None)
