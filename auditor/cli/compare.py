"""``auditor compare``: whether two files say the same."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from auditor.errors import UsageError
from auditor.model.words import Exit, Outcome

if TYPE_CHECKING:
    from auditor.compare.runs import Test

_EXITS = {Outcome.PASSED: Exit.OPEN, Outcome.FAILED: Exit.BLOCKED, Outcome.INCONCLUSIVE: Exit.UNDECIDED}


@click.command("compare")
@click.argument("expected", type=click.Path(path_type=Path))
@click.argument("actual", type=click.Path(path_type=Path))
@click.option("--rtol", type=float, metavar="X", help="Relative tolerance. Alone it makes the absolute one 0.")
@click.option("--atol", type=float, metavar="X", help="Absolute tolerance. Alone it makes the relative one 0.")
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="The truth, to compute --metric from.")
@click.option("--metric", metavar="NAME", help="Compute this metric from both tables of predictions and compare it.")
@click.option("--from", "start", type=click.Path(path_type=Path), metavar="FILE", help="The weights training began with.")
@click.option("--horizon", type=int, metavar="STEP", help="The last step of curves that is compared.")
@click.option("--step", metavar="COLUMN", help="The column of steps, where curves call it something unusual.")
@click.option(
    "--test",
    type=click.Choice(["interval", "equivalence", "seeds", "rcp-rules", "rcp-checker"]),
    help="Compare two sets of runs: folders of manifests, or tables with a row per run.",
)
@click.option("--margin", type=float, metavar="X", help="The difference that matters to --test, in the metric's unit.")
@click.option("--better", type=click.Choice(["higher", "lower"]), help="The direction of a gain, for --test.")
@click.option(
    "--alpha", type=float, default=0.05, show_default=True, help="How often --test may be wrong about honest runs."
)
@click.option("--explain", is_flag=True, help="Say in which claims two manifests differ.")
@click.option("--format", "form", type=click.Choice(["console", "json"]), default="console", show_default=True)
@click.option("--no-color", is_flag=True, help="No colour, even on a terminal.")
@click.pass_context
def command(  # noqa: PLR0913 - one parameter per option
    context: click.Context,
    *,
    expected: Path,
    actual: Path,
    rtol: float | None,
    atol: float | None,
    labels: Path | None,
    metric: str | None,
    start: Path | None,
    horizon: int | None,
    step: str | None,
    test: Test | None,
    margin: float | None,
    better: Literal["higher", "lower"] | None,
    alpha: float,
    explain: bool,
    form: Literal["console", "json"],
    no_color: bool,
) -> None:
    """Compare two files of weights, metrics, predictions or curves, two manifests, or two sets of runs.

    Elements agree when |a-b| <= atol + rtol*max(|a|,|b|), every single one. Without --rtol and --atol the default pair of
    the dtype decides. Exit codes: 0 agreed, 1 diverged or refused, 2 wrong usage, 3 no such file, 4 undecided.
    """
    from auditor.compare.anything import Options, compare  # noqa: PLC0415 - the command line starts without it
    from auditor.compare.runs import Ask  # noqa: PLC0415
    from auditor.compare.text import to_json, to_text  # noqa: PLC0415

    ask = None if test is None else Ask(test=test, margin=margin, better=better or "either", alpha=alpha, metric=metric)
    if ask is None and (margin is not None or better is not None):
        raise UsageError("--margin and --better belong to --test")
    options = Options(
        rtol=rtol,
        atol=atol,
        labels=labels,
        metric=metric,
        explain=explain,
        start=start,
        step=step,
        horizon=horizon,
        ask=ask,
    )
    compared = compare(expected, actual, options)
    colour = sys.stdout.isatty() and not no_color and "NO_COLOR" not in os.environ
    click.echo(to_json(compared) if form == "json" else to_text(compared, colour=colour), color=colour)
    context.exit(_EXITS[compared.agreement.outcome])
