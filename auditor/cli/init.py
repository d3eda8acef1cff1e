"""``auditor init``: write the commented policy."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init", epilog="\b\nExamples:\n  auditor init\n  auditor init --force")
@click.option("--force", is_flag=True, help="Overwrite a policy that is there.")
def command(*, force: bool) -> None:
    """Write auditor.yaml, the policy, with every key explained; nothing else is touched."""
    from auditor.policy.adopt import NEXT, adopt  # noqa: PLC0415  (loaded when called)

    click.echo(f"wrote {adopt(Path.cwd(), force=force).name}. Next:")
    for line in NEXT:
        click.echo(f"  {line}")
