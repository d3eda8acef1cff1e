"""``auditor checks``: the catalogue."""

from __future__ import annotations

import click


@click.command("checks", epilog="\b\nExamples:\n  auditor checks\n  auditor checks --checklist data")
@click.option("--checklist", default="standard", show_default=True, metavar="NAME", help="A checklist or a family.")
def command(checklist: str) -> None:
    """List the checks with what each flags and how much it weighs."""
    import msgspec  # noqa: PLC0415  (loaded when called)

    from auditor.catalogue.checklists import select  # noqa: PLC0415
    from auditor.render.catalogue import table  # noqa: PLC0415

    rules = [msgspec.structs.replace(selected.check.rule, severity=selected.severity) for selected in select(checklist)]
    click.echo(table(rules))
