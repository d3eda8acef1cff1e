"""Entries as lines of text, to move a ledger to another database or to keep it in git: digests stay what they are.

One line an entry: its link (see :mod:`auditor.ledger.entry`). What comes in is hostile until every line is canonical,
has the place and predecessor that it names, and is signed as it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final

import msgspec

from auditor import digest
from auditor.errors import BrokenLedgerError
from auditor.ledger import entry as form
from auditor.ledger.entry import GENESIS, Draft, Entry, Kind
from auditor.ledger.ledger import Ledger

LONGEST_LINE: Final = form.LARGEST + (64 << 10)
_BATCH: Final = 1000


class _Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    previous: str
    sequence: int
    signature: str | None
    statement: msgspec.Raw


def lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The entries as lines."""
    return (one.link + b"\n" for one in entries)


def read_lines(stream: BinaryIO, source: str) -> Iterator[Entry]:
    """The entries in ``stream``, each held against the one before it; the first may stand anywhere.

    Raises:
        BrokenLedgerError: a line is no entry, or does not follow; it is named.
    """
    before: Entry | None = None
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        try:
            found = parse_line(line)
            if before is not None and (found.previous, found.sequence) != (before.digest, before.sequence + 1):
                raise ValueError("does not follow the line before it")  # noqa: TRY301  (one place says where)
        except ValueError as error:
            raise BrokenLedgerError(f"{source}:{number}: the entry {error}") from None
        yield found
        before = found


def parse_line(line: bytes) -> Entry:
    """The entry in one line.

    Raises:
        ValueError: there is none, in words that follow "the entry".
    """
    if len(line) > LONGEST_LINE or not line.endswith(b"\n"):
        raise ValueError("is cut off or too long")
    try:
        said = msgspec.json.decode(line, type=_Link)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"cannot be read: {error}") from None
    statement = bytes(said.statement)
    found = form.entry(
        said.sequence,
        said.previous,
        form.link_digest(said.previous, said.sequence, said.signature, statement),
        said.signature,
        statement,
    )
    # Only one spelling, so that no two readers can understand two things: no duplicate key survives this, either.
    if found.link + b"\n" != line or digest.canonical_bytes(msgspec.json.decode(statement)) != statement:
        raise ValueError("is not in canonical form (RFC 8785)")
    if fault := form.signature_fault(found.key, found.signature, statement):
        raise ValueError(fault)
    return found


def receive(ledger: Ledger, entries: Iterable[Entry]) -> int:
    """Append what ``ledger`` does not have yet of a chain that begins as it does; how many entries are new.

    Raises:
        BrokenLedgerError: the two differ where both have an entry. LedgerError: it could not be written.
    """
    own = ledger.entries()
    head = (0, GENESIS)
    new = 0
    entries = iter(entries)
    for found in entries:
        mine = next(own, None)
        if mine is None:
            new += _append(ledger, found, entries, head)
            return new
        if mine.digest != found.digest:
            raise BrokenLedgerError(
                f"entry {found.sequence} is another in the ledger {ledger.name}: the two do not have one past",
                hint="import into an empty ledger; clones are brought together by `auditor ledger pull`",
            )
        head = (mine.sequence, mine.digest)
    return new


def _append(ledger: Ledger, first: Entry, rest: Iterator[Entry], head: tuple[int, str]) -> int:
    if (first.sequence - 1, first.previous) != head:
        raise BrokenLedgerError(f"entry {first.sequence} does not follow entry {head[0]} of the ledger {ledger.name}")
    count = 0
    batch = [first, *islice(rest, _BATCH - 1)]
    while batch:
        ledger.extend([as_draft(one) for one in batch], onto=head)
        count += len(batch)
        head = (batch[-1].sequence, batch[-1].digest)
        batch = list(islice(rest, _BATCH))
    return count


def as_draft(found: Entry) -> Draft:
    """What ``found`` says, without its place."""
    return Draft(found.statement, found.signature, str(found.kind), found.subjects)


def witness(stream: BinaryIO) -> Entry:
    """The checkpoint in ``stream``, kept elsewhere than the ledger.

    Raises:
        BrokenLedgerError: there is none, or it is not signed.
    """
    found = next(read_lines(stream, getattr(stream, "name", "checkpoint")), None)
    if found is None or found.kind is not Kind.CHECKPOINT or found.key is None:
        raise BrokenLedgerError("this is no signed checkpoint", hint="make one: auditor ledger checkpoint --key FILE")
    return found
