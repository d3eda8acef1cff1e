"""``auditor reproduce``: execute a recorded run again and compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.ending import say
from auditor.cli.judging import Printing, deliver, judging, progress
from auditor.errors import UsageError
from auditor.model.words import Exit, Isolation, Tier

_TIERS = [tier.value for tier in Tier]


@click.command(
    "reproduce",
    epilog="""\b
Examples:
  auditor reproduce runs/20260301-120000-train.run.yaml
  auditor reproduce runs/20260301-120000-train.run.yaml --tier smoke --format json
  auditor reproduce runs/x.run.yaml --tier prefix --steps 200
  auditor reproduce runs/x.run.yaml --stage preprocess --dry-run
  auditor reproduce --change --base main --evidence-out evidence/
  auditor reproduce runs/20260301-120000-train.run.yaml --tier segment --challenge 20

Exit codes: 0 agreed, 1 diverged, 4 could not be decided.""",
)
@click.argument("manifest", required=False)
@click.option(
    "--tier", "tiers", multiple=True, type=click.Choice(_TIERS), help="How deep. Repeatable.  [default: the policy's]"
)
@click.option(
    "--isolation",
    type=click.Choice([isolation.value for isolation in Isolation]),
    help="What stands between the code and this machine.  [default: bwrap, else container, else none]",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be executed, and what each promise of the sandbox comes to; execute nothing.",
)
@click.option(
    "--challenge",
    type=click.IntRange(1, 1_000_000),
    metavar="K",
    help="Segments that --tier segment draws at random.  [default: the policy's]",
)
@click.option("--explain", is_flag=True, help="Say where it parts from the record first, and what that usually means.")
@click.option("--stage", metavar="S", help="Execute this stage alone, on the recorded bytes of those before it.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="With --tier prefix: how many steps.  [default: 100]")
@click.option("--change", is_flag=True, help="Execute what a merge gate would: all that the commits since --base bring.")
@click.option(
    "--evidence-out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Leave what came out in DIR, for `gate merge --evidence DIR`. Committed content is executed.",
)
@click.option("--base", metavar="REF", help="With --change or --evidence-out: as for `gate merge`.")
@click.option("--head", metavar="REF", help="With --change or --evidence-out: as for `gate merge`.")
@click.option("--policy-ref", metavar="REF", help="With --change or --evidence-out: as for `gate merge`.")
@click.option("--challenge-token", metavar="TEXT", help="What the judge drew; the evidence is bound to it.")
@judging
def command(  # noqa: PLR0913  (one parameter for each option)
    *,
    manifest: str | None,
    tiers: tuple[str, ...],
    isolation: str | None,
    evidence_out: Path | None,
    base: str | None,
    head: str | None,
    policy_ref: str | None,
    challenge_token: str | None,
    challenge: int | None,
    stage: str | None,
    steps: int | None,
    dry_run: bool,
    change: bool,
    explain: bool,
    **report: Any,
) -> int:
    """Execute the reproductions of MANIFEST in a closed world and compare what comes out with what was recorded.

    The code comes from the recorded commit, the data by digest; declared outputs are removed before the command starts.
    The tier segment replays stretches of a run that was recorded with --checkpoints; which ones is decided by the verifier's
    key in AUDITOR_CHALLENGE_KEY.
    """
    if (manifest is None) != change:
        raise UsageError("name a MANIFEST, or --change for all that the change brings", hint="auditor reproduce --help")
    if explain:
        return _explained(str(manifest), isolation, Printing(**report))
    if change or evidence_out is not None:
        if dry_run or (change and stage is not None):
            raise UsageError("--dry-run is for a MANIFEST without --evidence-out, --stage for one without --change")
        from auditor.gate.carried import Carried  # noqa: PLC0415  (loaded when called)
        from auditor.gate.executed import execute  # noqa: PLC0415
        from auditor.gate.merge import Merge  # noqa: PLC0415

        carried = Carried(
            out=evidence_out,
            challenge=challenge_token,
            tiers=tuple(Tier(tier) for tier in tiers),
            isolation=Isolation(isolation) if isolation else None,
            stage=stage,
            steps=steps,
        )
        request = Merge(
            root=Path.cwd(),
            head=head,
            base=base,
            policy_ref=policy_ref,
            manifests=() if manifest is None else (manifest,),
            carried=carried,
            progress=progress,
            warn=say,
        )
        return deliver(lambda: execute(request), Printing(**report), gate=None)
    from auditor.gate.worktree import Look, Rehearsal, reproduce  # noqa: PLC0415  (loaded when called)

    rehearsal = Rehearsal(
        look=Look(root=Path.cwd(), manifests=(str(manifest),), progress=progress),
        tiers=tuple(Tier(tier) for tier in tiers),
        isolation=Isolation(isolation) if isolation else None,
        draw=challenge,
        stage=stage,
        steps=steps,
    )
    if dry_run:
        from auditor.gate.planned import plan  # noqa: PLC0415
        from auditor.render.text import visible_lines  # noqa: PLC0415

        click.echo(visible_lines(plan(rehearsal)))
        return Exit.OPEN
    return deliver(lambda: reproduce(rehearsal), Printing(**report), gate=None)


def _explained(manifest: str, isolation: str | None, printing: Printing) -> int:
    from auditor.diagnose.report import explain  # noqa: PLC0415  (loaded when called)
    from auditor.gate.experiment import Asked  # noqa: PLC0415

    asked = Asked(
        root=Path.cwd(), manifest=manifest, isolation=Isolation(isolation) if isolation else None, progress=progress
    )
    return deliver(lambda: explain(asked), printing, gate=None)
