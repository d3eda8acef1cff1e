"""``auditor import``: runs from before the auditor, as manifests."""

from __future__ import annotations

from pathlib import Path

import click


@click.group("import")
def command() -> None:
    """Write manifests of runs that something else recorded."""


@command.command(
    "mlflow",
    epilog="""\b
Examples:
  auditor import mlflow http://127.0.0.1:5000 --experiment iris
  auditor import mlflow ./mlruns

Exit codes: 0 imported, 2 wrong usage, 3 no run that ended, 4 MLflow cannot be
asked.""",
)
@click.argument("address", metavar="ADDRESS")
@click.option("--experiment", "experiments", multiple=True, metavar="NAME", help="Only this one. Repeatable.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("runs/imported"),
    show_default=True,
    metavar="DIR",
    help="Where the manifests go.",
)
def mlflow(address: str, experiments: tuple[str, ...], output: Path) -> int:
    """Write a manifest for every run at ADDRESS that ended: a tracking server, or a folder of a file store.

    What MLflow recorded is declared, and what it did not record is named as unavailable: nothing fails for being old.
    """
    from auditor.history.imports import from_mlflow  # noqa: PLC0415  (loaded when called)

    done = from_mlflow(address, experiments, output)
    click.echo(f"{len(done.written)} runs imported into {output}, {done.known} were there already")
    return 0
