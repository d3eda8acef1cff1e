"""``auditor reproduce``: execute a recorded run again and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.judging import Printing, deliver, judging, progress
from auditor.model.words import Exit, Isolation, Tier

_TIERS = [tier.value for tier in (Tier.DIGESTS, Tier.RECOMPUTE, Tier.SMOKE, Tier.FULL)]


@click.command(
    "reproduce",
    epilog="""\b
Examples:
  auditor reproduce runs/20260301-120000-train.run.yaml
  auditor reproduce runs/20260301-120000-train.run.yaml --tier smoke --format json

Exit codes: 0 agreed, 1 diverged, 4 could not be decided.""",
)
@click.argument("manifest")
@click.option(
    "--tier", "tiers", multiple=True, type=click.Choice(_TIERS), help="How deep. Repeatable.  [default: the policy's]"
)
@click.option(
    "--isolation",
    type=click.Choice([Isolation.BWRAP.value, Isolation.NONE.value]),
    help="What stands between the code and this machine.  [default: bwrap where it works, else none]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be executed, and execute nothing.")
@judging
def command(manifest: str, tiers: tuple[str, ...], isolation: str | None, *, dry_run: bool, **report: Any) -> int:
    """Execute the reproductions of MANIFEST in a closed world and compare what comes out with what was recorded.

    The code comes from the recorded commit, the data by digest; declared outputs are removed before the command starts.
    """
    from auditor.gate.worktree import Look, Rehearsal, plan, reproduce  # noqa: PLC0415  (loaded when called)
    from auditor.render.text import visible_lines  # noqa: PLC0415

    rehearsal = Rehearsal(
        look=Look(root=Path.cwd(), manifests=(manifest,), progress=progress),
        tiers=tuple(Tier(tier) for tier in tiers),
        isolation=Isolation(isolation) if isolation else None,
    )
    if dry_run:
        click.echo(visible_lines(plan(rehearsal)))
        return Exit.OPEN
    return deliver(lambda: reproduce(rehearsal), Printing(**report), gate=None)
