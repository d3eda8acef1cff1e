"""``auditor register``: a run's weights, put into a model registry."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("register", epilog="\b\nExamples:\n  auditor register runs/20260301-120000-digits.run.yaml --model digits")
@click.argument("manifest")
@click.option("--model", required=True, metavar="NAME", help="What the registry calls it.")
@click.option("--key", metavar="FILE", help="Signs the entry in the ledger.  [default: AUDITOR_KEY]")
def command(manifest: str, model: str, key: str | None) -> None:
    """Put the weights of a committed run into MLflow as a new version of NAME, and on record as what was put there.

    The server is the one in MLFLOW_TRACKING_URI. Manifest digest, commit, snapshots, parameters and metrics are written
    beside the version, for people; what the gate relies on is the entry in the ledger.
    """
    from auditor.cli.deploying import registry  # noqa: PLC0415  (loaded when called)
    from auditor.gate.registry import register  # noqa: PLC0415
    from auditor.ledger.keys import signing_key  # noqa: PLC0415
    from auditor.render.text import visible_lines  # noqa: PLC0415

    done = register(Path.cwd(), manifest, model, registry(), signing_key(key))
    click.echo(visible_lines("\n".join([done.version.uri, *(f"  {name}  {value}" for name, value in done.files.items())])))
