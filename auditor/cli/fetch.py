"""``auditor fetch``: everything that a model version was made from."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("fetch", epilog="\b\nExamples:\n  auditor fetch models:/digits/7 --to digits-7/")
@click.argument("version", metavar="models:/NAME/VERSION")
@click.option("--to", required=True, type=click.Path(path_type=Path), metavar="DIR", help="An empty or new directory.")
@click.option("--key", metavar="FILE", help="Signs the entry in the ledger.  [default: AUDITOR_KEY]")
def command(version: str, to: Path, key: str | None) -> None:
    """Put code, data, environment, configuration and weights of a version into DIR, each verified by its digest.

    DIR/run holds the recorded code with its data in place, DIR/weights the registry's files, DIR/environment.txt the
    packages, DIR/configuration.yaml the effective configuration. The command to run is printed last.
    """
    from auditor.cli.deploying import registry  # noqa: PLC0415  (loaded when called)
    from auditor.gate.fetch import fetch  # noqa: PLC0415
    from auditor.ledger.keys import signing_key  # noqa: PLC0415
    from auditor.render.text import visible_lines  # noqa: PLC0415

    done = fetch(Path.cwd(), version, to, registry(), signing_key(key))
    lines = [f"{value}  {path}" for path, value in sorted(done.files.items())]
    click.echo(visible_lines("\n".join([*lines, f"code of {done.commit}", f"cd {done.to / 'run'} && {done.command}"])))
