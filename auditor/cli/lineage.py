"""``auditor lineage``: who descends from whom."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click


@click.command(
    "lineage",
    epilog="""\b
Examples:
  auditor lineage sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  auditor lineage out/model.npz
  auditor lineage data/train.csv --format svg > lineage.svg

Exit codes: 0 done, 1 a circle in the graph, 3 not known here.""",
)
@click.argument("digest", metavar="DIGEST|FILE")
@click.option("--format", "form", type=click.Choice(["text", "svg", "json"]), default="text", show_default=True)
@click.pass_context
def command(context: click.Context, digest: str, form: Literal["text", "svg", "json"]) -> None:
    """Show what DIGEST was made from and what was made from it: runs, snapshots, artifacts, models.

    Manifests of the working tree and of all of git's history are read, and the ledger's registrations and revocations. For
    a snapshot, the metrics of all its revisions stand in one table.
    """
    from auditor.gate.ancestry import ancestry  # noqa: PLC0415  (loaded when called)
    from auditor.render.lineage import RENDERERS  # noqa: PLC0415

    graph, start = ancestry(Path.cwd(), digest)
    click.echo(RENDERERS[form](graph, start))
    context.exit(1 if graph.cycles() else 0)
