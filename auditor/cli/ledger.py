"""``auditor ledger``: read, verify and move the record of verdicts and approvals."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from auditor.model.words import Exit

_BASE = click.option("--base", metavar="REF", help="Whose policy names the ledger.  [default: origin/HEAD, main]")


@click.group("ledger")
def command() -> None:
    """Read, verify and move the record of verdicts, approvals, waivers and revocations."""


@command.command("log", epilog="\b\nExamples:\n  auditor ledger log\n  auditor ledger log --kind approval sha256:...")
@click.argument("subject", required=False)
@click.option("--kind", metavar="KIND", help="Only entries of this kind.")
@_BASE
def log(subject: str | None, kind: str | None, base: str | None) -> None:
    """List the entries, oldest first; only those about SUBJECT, a digest, when it is given."""
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger.entry import kind_of  # noqa: PLC0415
    from auditor.render import ledger as render  # noqa: PLC0415

    with records(Path.cwd(), base=base) as found:
        for line in render.log(found.ledger.entries(kind_of(kind), subject), found.people):
            click.echo(line)


@command.command("show", epilog="\b\nExamples:\n  auditor ledger show 12")
@click.argument("entry", type=click.IntRange(min=1))
@_BASE
def show(entry: int, base: str | None) -> int:
    """Show everything that the entry with this number says."""
    from auditor.errors import EmptySelectionError  # noqa: PLC0415  (loaded when called)
    from auditor.gate.records import records  # noqa: PLC0415
    from auditor.render import ledger as render  # noqa: PLC0415

    with records(Path.cwd(), base=base) as found:
        shown = next(iter(found.ledger.entries(after=entry - 1)), None)
        if shown is None:
            raise EmptySelectionError(f"the ledger has no entry {entry}", hint=f"it has {found.ledger.head[0]}")
        click.echo(render.show(shown, found.people))
    return Exit.OPEN


@command.command(
    "verify",
    epilog="""\b
Examples:
  auditor ledger verify
  auditor ledger verify --checkpoint kept-elsewhere.json

Exit codes: 0 intact, 1 broken, 2 wrong usage, 4 the ledger cannot be read.""",
)
@click.option("--checkpoint", type=click.File("rb"), metavar="FILE", help="A checkpoint that was kept elsewhere.")
@_BASE
def verify(checkpoint: BinaryIO | None, base: str | None) -> int:
    """Hold every entry against its digest, its predecessor, its signature and the checkpoints; name the first broken one.

    What `ledger push` has sent, as far as this clone has seen it, has to be there, too.
    """
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger.branch import last_pushed  # noqa: PLC0415
    from auditor.ledger.transfer import witness  # noqa: PLC0415
    from auditor.render import ledger as render  # noqa: PLC0415

    with records(Path.cwd(), base=base) as found:
        kept = witness(checkpoint) if checkpoint is not None else None
        pushed = last_pushed(found.repository)
        verified = found.ledger.verify(trusted=found.vouching(), witness=kept, pushed=pushed)
        click.echo(render.verified(verified, found.ledger.name))
    return Exit.OPEN if verified.broken is None else Exit.BLOCKED


@command.command("checkpoint", epilog="\b\nExamples:\n  auditor ledger checkpoint --key ci.pem > kept-elsewhere.json")
@click.option("--key", metavar="FILE", help="Signing key.  [AUDITOR_KEY]")
@_BASE
def checkpoint(key: str | None, base: str | None) -> None:
    """Sign and date how far the ledger reaches, and print it as one line to keep elsewhere."""
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger.keys import required_key  # noqa: PLC0415

    with records(Path.cwd(), base=base, writable=True) as found:
        click.echo(found.ledger.checkpoint(required_key(key)).link.decode())


@command.command("export", epilog="\b\nExamples:\n  auditor ledger export > ledger.jsonl")
@click.option("--to", type=click.File("wb"), default="-", metavar="FILE", help="Where to.  [default: standard output]")
@_BASE
def export(to: BinaryIO, base: str | None) -> None:
    """Write all entries, one canonical line each."""
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger.transfer import lines  # noqa: PLC0415

    with records(Path.cwd(), base=base) as found:
        to.writelines(lines(found.ledger.entries()))


@command.command("import", epilog="\b\nExamples:\n  auditor ledger import ledger.jsonl")
@click.argument("file", type=click.File("rb"))
@_BASE
def import_(file: BinaryIO, base: str | None) -> None:
    """Take over the entries of an export into an empty ledger, or into one that it continues: digests stay the same."""
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger.transfer import read_lines, receive  # noqa: PLC0415

    with records(Path.cwd(), base=base, writable=True) as found:
        count = receive(found.ledger, read_lines(file, file.name))
        click.echo(f"{count} new entries, {found.ledger.head[0]} in all")


_REMOTE = click.option("--remote", default="origin", show_default=True, metavar="NAME", help="Where the branch is.")


@command.command("push", epilog="\b\nExamples:\n  auditor ledger push --key ci.pem")
@_REMOTE
@click.option("--key", metavar="FILE", help="Signs a checkpoint at the end.  [AUDITOR_KEY]")
@_BASE
def push(remote: str, key: str | None, base: str | None) -> None:
    """Keep the ledger on the branch auditor-ledger of a remote, for teams without a database server.

    The branch only moves forward. When somebody else was faster, their entries come first, and ours follow them.
    """
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger import branch  # noqa: PLC0415
    from auditor.ledger.keys import signing_key  # noqa: PLC0415
    from auditor.render import ledger as render  # noqa: PLC0415

    with records(Path.cwd(), base=base, writable=True) as found:
        click.echo(render.merged(branch.push(found.ledger, found.repository, remote, signing_key(key))))


@command.command("pull", epilog="\b\nExamples:\n  auditor ledger pull")
@_REMOTE
@_BASE
def pull(remote: str, base: str | None) -> None:
    """Take over what the branch auditor-ledger of a remote has; our own entries follow it."""
    from auditor.gate.records import records  # noqa: PLC0415  (loaded when called)
    from auditor.ledger import branch  # noqa: PLC0415
    from auditor.render import ledger as render  # noqa: PLC0415

    with records(Path.cwd(), base=base, writable=True) as found:
        click.echo(render.merged(branch.pull(found.ledger, found.repository, remote)))
