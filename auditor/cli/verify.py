"""``auditor verify``: whether an attestation vouches for these files."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "verify",
    epilog="""\b
Examples:
  auditor verify attestation.json --artifact model.safetensors --key auditor.pub

Exit codes: 0 vouched for, 1 refused, 2 wrong usage, 3 no such file.""",
)
@click.argument("attestation", type=click.Path(path_type=Path))
@click.option(
    "--artifact",
    "artifacts",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is used. Repeatable.",
)
@click.option("--key", required=True, metavar="PUB", help="Public key of the judge, PEM or OpenSSH.")
def command(attestation: Path, artifacts: tuple[Path, ...], key: str) -> None:
    """Verify that ATTESTATION is signed by this key and speaks about exactly these files.

    Needs no repository, no ledger and no network. Refuses other bytes, versions that it does not know, duplicate keys,
    another key, an expired verdict, and every change.
    """
    from auditor.attestation.verify import verify  # noqa: PLC0415
    from auditor.ledger.keys import public_key  # noqa: PLC0415  (loaded when called)
    from auditor.render.attestation import vouched  # noqa: PLC0415
    from auditor.render.text import visible_lines  # noqa: PLC0415

    click.echo(visible_lines(vouched(verify(attestation, artifacts, public_key(key).sslib()))))
