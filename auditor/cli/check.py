"""``auditor check``: static and digest checks, without executing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from auditor.cli.judging import Printing, deliver, judging, progress


@click.command(
    "check",
    epilog="""\b
Examples:
  auditor check
  auditor check runs/20260301-120000-train.run.yaml --checklist strict
  auditor check 'runs/**/*.run.yaml' --checklist schema --format json""",
)
@click.argument("manifests", nargs=-1, metavar="[MANIFEST]...")
@click.option("--checklist", metavar="NAME", help="standard, strict, or a family of checks.  [default: the merge gate's]")
@click.option("--paranoid", is_flag=True, help="Read every file again, not only what changed since it was hashed.")
@judging
def command(manifests: tuple[str, ...], checklist: str | None, *, paranoid: bool, **report: Any) -> int:
    """Check manifests in the working tree and re-hash the bytes they claim.

    Nothing is executed and nothing is decided for others: the report is advisory. Without MANIFEST, all that the policy's
    patterns match are checked.
    """
    from auditor.gate.worktree import Look, check  # noqa: PLC0415  (loaded when called)

    look = Look(root=Path.cwd(), manifests=manifests, checklist=checklist, paranoid=paranoid, progress=progress)
    return deliver(lambda: check(look), Printing(**report), gate=None)
