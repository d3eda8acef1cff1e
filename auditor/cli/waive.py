"""``auditor waive``: an owner's dated exception for one run and one check."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.acting import act, acting, tell


@click.command(
    "waive",
    epilog="""\b
Examples:
  auditor waive runs/x.run.yaml data/undigested-dataset --reason "vendor data" --until 2027-01-31

Exit codes: 0 waived, 1 refused, 2 wrong usage, 3 no such manifest, 4 undecided.""",
)
@click.argument("manifest")
@click.argument("check")
@click.option("--until", metavar="DAY", required=True, help="Last day on which it holds, YYYY-MM-DD.")
@acting
def command(manifest: str, check: str, until: str, **about: Any) -> None:
    """Let the run of MANIFEST pass although CHECK failed, until a day.

    Signed by one of trust.owners of the base's policy, and bound to the manifest's digest, the check and the meaning that
    its rule has today. Waived findings stay visible in every report.
    """
    from auditor.gate.acts import waive  # noqa: PLC0415  (loaded when called)

    tell(waive(act(**about), manifest, check, until=until))
