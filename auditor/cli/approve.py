"""``auditor approve``: a person's signed approval of a run, or of a looser policy."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.acting import act, acting, tell


@click.command(
    "approve",
    epilog="""\b
Examples:
  auditor approve runs/x.run.yaml --gate deploy --reason "reviewed with the team" --key ~/.ssh/id_ed25519
  auditor approve auditor.yaml --gate merge --reason "float16 needs a wider tolerance"

Exit codes: 0 approved, 1 refused, 2 wrong usage, 3 no such manifest, 4 undecided.""",
)
@click.argument("manifest")
@click.option("--gate", type=click.Choice(["deploy", "merge"]), required=True, help="What is approved.")
@click.option("--until", metavar="DAY", help="Last day on which it holds, YYYY-MM-DD.  [default: 90 days ahead]")
@acting
def command(manifest: str, gate: str, until: str | None, **about: Any) -> None:
    """Approve the run of MANIFEST under your own name, bound to its digest and those of its artifacts.

    Your key says who you are (trust.identities of the base's policy). Refused are the run's authors, anybody twice, and
    whoever is none of trust.approvers. With auditor.yaml as MANIFEST, one of trust.owners accepts a looser policy.
    """
    from auditor.gate.acts import approve  # noqa: PLC0415  (loaded when called)

    tell(approve(act(**about), manifest, gate="merge" if gate == "merge" else "deploy", until=until))
