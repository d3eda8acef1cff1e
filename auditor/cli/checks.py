"""``auditor checks``: the catalogue."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "checks",
    epilog="\b\nExamples:\n  auditor checks\n  auditor checks --checklist data\n  auditor checks --mapping neurips-2025",
)
@click.option("--checklist", default="standard", show_default=True, metavar="NAME", help="A checklist or a family.")
@click.option("--mapping", metavar="NAME", help="Show which checks speak to the items of a published list.")
def command(checklist: str, mapping: str | None) -> None:
    """List the checks with what each flags and how much it weighs.

    The project's own checks (the policy's `checks`) are among them.
    """
    import msgspec  # noqa: PLC0415  (loaded when called)

    from auditor.catalogue import mappings  # noqa: PLC0415
    from auditor.catalogue.checklists import select, statements  # noqa: PLC0415
    from auditor.gate.worktree import own_checks  # noqa: PLC0415
    from auditor.render.catalogue import attested, mapped, table  # noqa: PLC0415

    if mapping is not None:
        found = mappings.mapping(mapping)
        about = (found.title, found.edition, found.source, found.dated, found.note)
        click.echo(mapped(about, [(item.id, item.title, item.checks) for item in found.items]))
        return
    chosen = select(checklist, own=own_checks(Path.cwd()))
    click.echo(table([msgspec.structs.replace(one.check.rule, severity=one.severity) for one in chosen]))
    if by_people := statements(checklist or ""):
        click.echo(f"\n{attested(by_people)}")
