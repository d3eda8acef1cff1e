"""``auditor init``: write the commented policy and, where asked, the workflows that guard a repository."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.errors import UsageError


@click.command(
    "init",
    epilog="""\b
Examples:
  auditor init
  auditor init --force
  auditor init --ci github --action OWNER/REPO@0123456789abcdef0123456789abcdef01234567""",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option(
    "--ci", type=click.Choice(["github"]), help="Also write the workflows of the guard. A policy that is there stays."
)
@click.option("--action", metavar="OWNER/REPO@SHA", help="With --ci: the auditor's action, at a commit.")
def command(*, force: bool, ci: str | None, action: str | None) -> None:
    """Write auditor.yaml, the policy, with every key explained; nothing else is touched.

    With --ci github, also three files in .github/workflows: audit-request.yml and audit.yml, the guard, and audit-after.yml.
    """
    from auditor.policy.adopt import NEXT, adopt  # noqa: PLC0415  (loaded when called)

    if (ci is None) != (action is None):
        raise UsageError("--ci and --action go together", hint="auditor init --ci github --action OWNER/REPO@SHA")
    if action is None:
        click.echo(f"wrote {adopt(Path.cwd(), force=force).name}. Next:")
        lines = NEXT
    else:
        from auditor.guard.adopt import NEXT as GUARD_NEXT  # noqa: PLC0415
        from auditor.guard.adopt import guard  # noqa: PLC0415

        click.echo(f"wrote {', '.join(guard(Path.cwd(), action, force=force))}. Next:")
        lines = GUARD_NEXT
    for line in lines:
        click.echo(f"  {line}")
