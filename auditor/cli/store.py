"""``auditor store``: bytes outside git."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click


@click.group("store")
def command() -> None:
    """Keep bytes outside git, under their digests."""


@command.command(
    "put",
    epilog="""\b
Examples:
  auditor store put out/model.npz
  auditor store put data/images
  auditor store put data/*.parquet --to s3://bucket/prefix --retain-until 2030-01-01""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--to", metavar="URL|NAME", help="A URL, or a store of the policy.  [default: the policy's only store]")
@click.option(
    "--retain-until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Let S3 object lock keep it until then."
)
def put(files: tuple[Path, ...], to: str | None, retain_until: datetime | None) -> None:
    """Put FILES and folders into a store, under their digest, once: nothing is ever written over.

    Prints a digest and an address a file, to be written into a manifest as `digest` and `uri`.
    """
    from auditor.gate.worktree import store_url  # noqa: PLC0415  (loaded when called)
    from auditor.render.text import visible_lines  # noqa: PLC0415
    from auditor.store.put import put as put_all  # noqa: PLC0415

    retain = retain_until.replace(tzinfo=UTC) if retain_until is not None else None
    for one in put_all(store_url(Path.cwd(), to), files, retain=retain):
        click.echo(visible_lines(f"{one.digest}  {one.address}  {'' if one.new else '(was there)'}".rstrip()))
