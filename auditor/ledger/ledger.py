"""Appends to a ledger and reads from it, wherever it is kept."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from auditor.errors import BrokenLedgerError, LedgerError
from auditor.ledger import entry as form
from auditor.ledger.entry import GENESIS, Draft, Entry, Kind
from auditor.ledger.keys import SigningKey
from auditor.model.run import Json

if TYPE_CHECKING:
    from collections.abc import Collection

    from auditor.git import Repository
    from auditor.ledger.chain import Verified
    from auditor.ledger.database import Database

FILE: Final = Path("auditor", "ledger.db")
"""Where the ledger is inside the git common directory, unless the policy names another place."""

_PAGE: Final = 500

_COLUMNS: Final = "e.sequence, p.digest, e.digest, e.signature, e.statement"


def open_ledger(url: str | None, where: Repository | Path, *, writable: bool = True) -> Ledger:
    """The ledger at ``url``; None is the SQLite file in the git common directory of (or at) ``where``.

    One that is not ``writable`` and does not exist yet is empty, and stays so.

    Raises:
        UsageError: the address is none. LedgerError: the database cannot be reached.
    """
    from auditor.ledger.database import Database  # noqa: PLC0415  (SQLAlchemy takes 200 ms to load)

    common = where if isinstance(where, Path) else where.common_dir
    return Ledger(Database(url, common / FILE, writable=writable))


class Ledger:
    """Appends to a ledger and reads from it. Close it, or use it as a context manager; each thread opens its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._database.close()

    @property
    def name(self) -> str:
        """What to call this ledger when speaking to people."""
        return self._database.name

    def append(  # noqa: PLR0913  (what an entry says, each named)
        self,
        kind: Kind | str,
        *,
        subject: str,
        body: dict[str, Json],
        key: SigningKey | None = None,
        subjects: Sequence[str] = (),
        actor: str | None = None,
    ) -> Entry:
        """Write one entry about ``subject`` (and ``subjects``) and return it once it cannot be lost any more.

        Raises:
            UsageError: it is no entry. LedgerError: it was not written.
        """
        draft = form.draft(Kind(kind), subjects=(subject, *subjects), body=body, key=key, actor=actor)
        (written,) = self.extend([draft])
        return written

    def extend(self, drafts: Sequence[Draft], *, onto: tuple[int, str] | None = None) -> list[Entry]:
        """Write several entries in one transaction: all of them, or none. ``onto`` is the head that they must follow.

        Raises:
            LedgerError: they were not written.
        """
        if not self._database.writable:
            raise LedgerError(f"the ledger {self.name} was opened for reading only")
        if not drafts:
            return []
        with self._database.explained("written"):
            return self._tried(drafts, onto)

    def _tried(self, drafts: Sequence[Draft], onto: tuple[int, str] | None) -> list[Entry]:
        """Write, and when the server goes away in between, ask it afterwards whether it had written."""
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415  (loaded with the database)

        from auditor.ledger.database import PATIENCE  # noqa: PLC0415

        deadline = time.monotonic() + PATIENCE
        before: tuple[int, str] | None = None
        while True:
            try:
                with self._database.writing():
                    last = self._last()
                    before = before or last
                    known = self._since(before[0], drafts)
                    if not known and onto not in {None, last}:
                        raise LedgerError(f"somebody wrote to the ledger {self.name} meanwhile", hint="try again")
                    return known or self._insert(drafts, *last)
            except DBAPIError as error:
                if not error.connection_invalidated or time.monotonic() > deadline:
                    raise
                self._database.reconnect(deadline)

    def _since(self, sequence: int, drafts: Sequence[Draft]) -> list[Entry]:
        """The entries of ``drafts``, if an attempt whose acknowledgement was lost has written them after ``sequence``."""
        if self._last()[0] == sequence:
            return []
        wanted = [draft.statement for draft in drafts]
        found = [entry for entry in self._read("e.sequence > ?", (sequence,)) if entry.statement in wanted]
        return found if len(found) == len(drafts) else []

    def _insert(self, drafts: Sequence[Draft], sequence: int, previous: str) -> list[Entry]:
        from auditor.ledger.database import ENTRIES, SUBJECTS  # noqa: PLC0415  (SQLAlchemy takes 200 ms to load)

        written: list[Entry] = []
        for draft in drafts:
            sequence += 1
            digest = form.link_digest(previous, sequence, draft.signature, draft.statement)
            written.append(form.entry(sequence, previous, digest, draft.signature, draft.statement))
            previous = digest
        self._database.execute(ENTRIES.insert(), [
            {column: getattr(e, column) for column in ENTRIES.columns.keys()} | {"kind": str(e.kind)}  # noqa: SIM118
            for e in written
        ])  # fmt: skip
        self._database.execute(SUBJECTS.insert(), [
            {"subject": subject, "kind": str(e.kind), "sequence": e.sequence} for e in written for subject in e.subjects
        ])  # fmt: skip
        return written

    def _last(self) -> tuple[int, str]:
        """Sequence and digest of the last entry; of the one before the first in an empty ledger."""
        for sequence, digest in self._database.rows("SELECT sequence, digest FROM entries ORDER BY sequence DESC LIMIT 1"):
            return int(sequence), str(digest)
        return 0, GENESIS

    @property
    def head(self) -> tuple[int, str]:
        """How many entries there are, and the digest of the last one."""
        with self._database.explained("read"):
            return self._last()

    def entries(
        self, kind: Kind | str | None = None, subject: str | None = None, after: int | None = None
    ) -> Iterator[Entry]:
        """The entries of this kind and about this digest behind the sequence ``after``, oldest first.

        They are read in pages, so that neither memory nor a lock grows with the ledger.

        Raises:
            BrokenLedgerError: an entry is not what was written. LedgerError: the database cannot be read.
        """
        conditions, values = _conditions(kind, subject)
        reached = after or 0  # sequences count from 1
        while True:
            with self._database.explained("read"):
                page = list(
                    self._read(f"{conditions} AND {_order(subject)} > ?", (*values, reached), subject=subject, limit=_PAGE)
                )
            yield from page
            if len(page) < _PAGE:
                return
            reached = page[-1].sequence

    def latest(self, kind: Kind | str, subject: str) -> Entry | None:
        """The newest entry of this kind about this digest.

        Raises:
            BrokenLedgerError, LedgerError: as for :meth:`entries`.
        """
        conditions, values = _conditions(kind, subject)
        with self._database.explained("read"):
            return next(self._read(conditions, values, subject=subject, limit=1, newest=True), None)

    def _read(
        self,
        conditions: str,
        values: Sequence[object],
        *,
        subject: str | None = None,
        limit: int | None = None,
        newest: bool = False,
    ) -> Iterator[Entry]:
        source = "subjects s JOIN entries e ON e.sequence = s.sequence" if subject else "entries e"
        order = f"ORDER BY {_order(subject)} {'DESC' if newest else 'ASC'}" + (f" LIMIT {limit}" if limit else "")
        joined = f"{source} LEFT JOIN entries p ON p.sequence = e.sequence - 1"
        query = f"SELECT {_COLUMNS} FROM {joined} WHERE {conditions} {order}"  # noqa: S608  (values go beside it)
        for sequence, previous, digest, signature, statement in self._database.rows(query, values):
            try:
                yield form.entry(sequence, previous or GENESIS, digest, signature, form.raw(statement))
            except ValueError as error:
                raise BrokenLedgerError(
                    f"entry {sequence} of the ledger {self.name} {error}", hint="auditor ledger verify"
                ) from None

    def checkpoint(self, key: SigningKey) -> Entry:
        """Sign and date how far the ledger reaches, so that nobody can cut off its end unseen.

        Raises:
            LedgerError: it was not written, or there is nothing to sign yet.
        """
        sequence, digest = self.head
        if not sequence:
            raise LedgerError("an empty ledger has no checkpoint")
        return self.append(Kind.CHECKPOINT, subject=digest, body={"sequence": sequence}, key=key)

    def verify(
        self, *, trusted: Collection[str] | None = None, witness: Entry | None = None, pushed: Entry | None = None
    ) -> Verified:
        """Hold every entry against its digest, its predecessor, its signature, the index and the checkpoints.

        ``trusted`` are the ids of the keys whose checkpoints count, None: any. ``witness`` is a checkpoint that was kept
        elsewhere; ``pushed`` any entry that is known to be in a copy.

        Raises:
            LedgerError: the database cannot be read.
        """
        from auditor.ledger.chain import verify  # noqa: PLC0415  (only verification needs it)

        with self._database.explained("read"), self._database.reading():
            return verify(self._database, trusted=trusted, witness=witness, pushed=pushed)

    def now(self) -> dt.datetime:
        """The time by which validity is judged: never before the last entry, should a clock have been put back.

        Raises:
            LedgerError: the database cannot be read.
        """
        clock = dt.datetime.now(tz=dt.UTC)
        sequence, _ = self.head
        newest = next(iter(self.entries(after=sequence - 1)), None) if sequence else None
        return clock if newest is None else max(clock, newest.when)

    def replace_tail(self, after: int, drafts: Sequence[Draft], *, onto: tuple[int, str]) -> list[Entry]:
        """Put ``drafts`` in place of the entries behind the sequence ``after``, which nobody else has seen yet.

        ``onto`` is the head of the ledger that they were made for.

        Raises:
            LedgerError: they were not written; everything is as it was.
        """
        from auditor.ledger.database import ENTRIES, SUBJECTS  # noqa: PLC0415  (the same)

        with self._database.explained("written"), self._database.rewriting():
            if self._last() != onto:
                raise LedgerError(f"somebody wrote to the ledger {self.name} meanwhile", hint="try again")
            for table in (ENTRIES, SUBJECTS):
                self._database.execute(table.delete().where(table.c.sequence > after))
            return self._insert(drafts, *self._last()) if drafts else []


def _order(subject: str | None) -> str:
    return "s.sequence" if subject else "e.sequence"


def _conditions(kind: Kind | str | None, subject: str | None) -> tuple[str, tuple[object, ...]]:
    parts: list[tuple[str, object]] = []
    if subject is not None:
        parts.append(("s.subject = ?", subject))
    if kind is not None:
        parts.append(("s.kind = ?" if subject is not None else "e.kind = ?", str(Kind(kind))))
    return " AND ".join(part for part, _ in parts) or "1 = 1", tuple(value for _, value in parts)
