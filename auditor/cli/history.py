"""``auditor history``: years of runs, audited as they decay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.judging import Printing, deliver, judging, progress


@click.group("history")
def command() -> None:
    """Audit years of runs, and show how they decay."""


@command.command(
    "audit",
    epilog="""\b
Examples:
  auditor history audit .
  auditor history audit . --budget 30m --sample risk
  auditor history audit old-runs/ s3://bucket/runs

Exit codes: 0 the work was done, whatever it found; 2 wrong usage; 3 no manifest
anywhere; 4 the budget left something out.""",
)
@click.argument("stores", nargs=-1, metavar="[STORE]...")
@click.option("--budget", metavar="DURATION", help="Stop in time, and name what was not reached: 90s, 30m, 2h.")
@click.option("--sample", metavar="HOW", help="Execute runs again, too, in the budget: uniform, stratified or risk.")
@click.option("--shard", metavar="K/N", help="Audit the K-th of N parts, each on a machine of its own.")
@click.option("--executor", type=click.Choice(["local", "dask"]), default="local", show_default=True, help="Who grades.")
@click.option("--scheduler", metavar="URL", help="The Dask scheduler, for --executor dask: tcp://127.0.0.1:8786.")
@click.option("--paranoid", is_flag=True, help="Read every byte again, whatever is known of it.")
@judging
def audit(  # noqa: PLR0913, PLR0917  (one for each option)
    stores: tuple[str, ...],
    budget: str | None,
    sample: str | None,
    shard: str | None,
    executor: str,
    scheduler: str | None,
    *,
    paranoid: bool,
    **report: Any,
) -> int:
    """Grade every run that a store holds, by today's rules and by those of its time.

    A STORE is a folder, a git repository (every manifest version ever merged, and the working tree), or a URL such
    as s3://bucket/runs or mlflow+http://host:port/EXPERIMENT. Without one, it is the repository that you are in. What was
    graded before and has not changed is not graded again. Nothing is decided, and without --sample nothing is executed.
    """
    from auditor.history.audit import asked  # noqa: PLC0415  (loaded when called)
    from auditor.history.summary import reported, text  # noqa: PLC0415

    printing = Printing(**report)
    request = asked(
        Path.cwd(),
        stores,
        budget=budget,
        sample=sample,
        shard=shard,
        executor=executor,
        scheduler=scheduler,
        paranoid=paranoid,
        progress=progress,
    )
    return deliver(lambda: reported(request, runs=printing.wants_runs), printing, gate=None, console=text)


@command.command(
    "report",
    epilog="""\b
Examples:
  auditor history report --output site/

Exit codes: 0 written, 2 wrong usage, 3 no audit has graded anything yet.""",
)
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new or empty folder.")
@click.option("--title", default="History of runs", show_default=True, help="Heading of the first page.")
def report(output: Path, title: str) -> int:
    """Write what all audits found as a site: trends, decay curves, a page for each run.

    The site is static, needs no network, opens from disk and can be published as it is.
    """
    from auditor.history.report import write  # noqa: PLC0415  (loaded when called)

    click.echo(write(Path.cwd(), output, title=title))
    return 0
