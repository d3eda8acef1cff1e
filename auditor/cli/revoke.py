"""``auditor revoke``: trust in something that has a digest, taken back."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli.acting import act, acting, tell


@click.command(
    "revoke",
    epilog="""\b
Examples:
  auditor revoke sha256:... --reason "label leak in train v3"
  auditor revoke sha256:KEYID --keep-earlier --reason "the laptop was replaced"

Exit codes: 0 revoked, 1 refused, 2 wrong usage, 4 undecided.""",
)
@click.argument("digest")
@click.option("--keep-earlier", is_flag=True, help="For a key: what it signed before stays valid.")
@acting
def command(digest: str, *, keep_earlier: bool, **about: Any) -> None:
    """Take back trust in DIGEST: a data set, a run, a model, a key, or what a ledger entry says.

    Whatever descends from it no longer passes the deploy gate. A revocation is never undone: make something new.
    """
    from auditor.gate.acts import revoke  # noqa: PLC0415  (loaded when called)

    tell(revoke(act(**about), digest, keep_earlier=keep_earlier))
