"""``auditor rollback``: where to go back to."""

from __future__ import annotations

import click


@click.command("rollback", epilog="\b\nExamples:\n  auditor rollback digits --alias champion")
@click.argument("model")
@click.option("--alias", metavar="A", help="Only versions that this alias has led to.")
@click.option("--base", metavar="REF", help="The default branch.  [default: origin/HEAD, main, master]")
def command(model: str, alias: str | None, base: str | None) -> None:
    """Name the last version of MODEL that was promoted before, and for which the deploy gate is open now.

    Its files are downloaded and hashed, its verdict, approvals and ancestors asked about as for any deployment. Nothing is
    changed: `auditor promote` does that.
    """
    from auditor.cli.deploying import Options, registry  # noqa: PLC0415  (loaded when called)
    from auditor.gate.registry import rollback  # noqa: PLC0415
    from auditor.render.text import visible_lines  # noqa: PLC0415

    done = rollback(Options(base=base).request(), model, alias, registry())
    lines = [done.version.uri, *(f"  {name}  {value}" for name, value in done.files.items())]
    if alias is not None:
        lines.append(f"auditor promote {done.version.uri} --alias {alias}")
    click.echo(visible_lines("\n".join(lines)))
