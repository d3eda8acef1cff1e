"""``auditor attest``: a person's signed answer to what no check can tell."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.acting import act, acting, tell


@click.command(
    "attest",
    epilog="""\b
Examples:
  auditor attest runs/x.run.yaml publication/licence-reviewed --reason "read it; redistribution is allowed"

Exit codes: 0 written down, 1 refused, 2 wrong usage, 3 no such manifest, 4 undecided.""",
)
@click.argument("manifest")
@click.argument("item")
@click.option("--until", metavar="DAY", help="Last day on which it holds, YYYY-MM-DD.  [default: a year ahead]")
@acting
def command(manifest: str, item: str, until: str | None, **about: Any) -> None:
    """Answer ITEM for the run of MANIFEST under your own name, dated and signed.

    ITEM is a statement that a checklist leaves to people (`auditor checks --checklist publication` lists them), or a check
    whose question you answer. An answer clears a statement; it never turns a check's failure into a pass.
    """
    from auditor.gate.acts import attest  # noqa: PLC0415  (loaded when called)

    tell(attest(act(**about), manifest, item, until=until))
