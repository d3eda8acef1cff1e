"""The database behind a ledger, SQLite or PostgreSQL through SQLAlchemy Core: tables, migrations, one writer at a time."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

import sqlalchemy as sql
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from auditor.errors import LedgerError, UsageError

PATIENCE: Final = 30.0
"""Seconds that a writer waits for the others, and for a server that is being restarted."""

_BLOCK: Final = 2048

_LOCK: Final = 0x61756469746F72
"""The advisory lock of PostgreSQL that makes writers queue: the word "auditor"."""

_tables = sql.MetaData()
ENTRIES: Final = sql.Table(
    "entries",
    _tables,
    sql.Column("sequence", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("digest", sql.Text, nullable=False),
    sql.Column("statement", sql.LargeBinary, nullable=False),
    sql.Column("signature", sql.Text),
    sql.Index("entries_by_kind", "kind", "sequence"),
)
SUBJECTS: Final = sql.Table(
    "subjects",
    _tables,
    sql.Column("subject", sql.Text, primary_key=True),
    sql.Column("kind", sql.Text, primary_key=True),
    sql.Column("sequence", sql.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which entries are about a digest. It only finds them: what they say is in their statements, and `verify` compares."""

_VERSIONS: Final = sql.Table(
    "ledger_schema", sql.MetaData(), sql.Column("version", sql.Integer, primary_key=True), sql.Column("applied", sql.Text)
)

_APPEND_ONLY: Final = {
    "sqlite": (
        *(
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            for table in ("entries", "subjects")
            for verb in ("UPDATE", "DELETE")
        ),
    ),
    "postgresql": (
        (
            "CREATE FUNCTION ledger_stays() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
        ),
        *(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_stays()"
            for table in ("entries", "subjects")
        ),
    ),
}
"""Triggers against accidents. Whoever means to rewrite the past can drop them; the chain is for those."""


def _first(connection: sql.Connection) -> None:
    """Version 1: the entries and their subjects."""
    _tables.create_all(connection, checkfirst=False)
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)


MIGRATIONS: list[Callable[[sql.Connection], None]] = [_first]
"""What leads from each version of the tables to the next. Never edit one that was released: add another."""


class Database:
    """A connection to the tables, brought up to date when it may be written. Close it.

    ``url`` None is a SQLite file at ``file``; one that does not exist is an empty database until somebody writes.
    """

    def __init__(self, url: str | None, file: Path, *, writable: bool) -> None:
        self._engine, self.name = _engine(url, file, writable=writable)
        self.writable = writable
        with self.explained("opened"):
            self._connection = self._engine.connect()
            if writable or url is not None or file.exists():
                self._migrate()
            else:
                MIGRATIONS[0](self._connection)  # in memory, to be read only

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()
        self._engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file, and no server."""
        return self._engine.dialect.name == "sqlite"

    def execute(self, statement: sql.Executable, parameters: Any = None) -> sql.CursorResult[Any]:
        """The result of one statement."""
        return self._connection.execute(statement, parameters)

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> Sequence[tuple[Any, ...]]:
        """The rows, all at once, of one statement in SQL, with ``?`` for parameters."""
        found = self._connection.exec_driver_sql(self._spelled(statement), tuple(parameters))
        return cast("Sequence[tuple[Any, ...]]", found.fetchall())

    def blocks(self, statement: str) -> Iterator[Sequence[tuple[Any, ...]]]:
        """The rows of one statement in SQL as the driver gives them, in blocks: for what reads a million of them.

        On a server this needs a transaction, as :meth:`reading` opens it.
        """
        connection: Any = self._connection.connection
        failed: type[Exception] = self._engine.dialect.loaded_dbapi.Error
        cursor = connection.cursor() if self.is_sqlite else connection.cursor("ledger_rows")
        try:
            cursor.execute(self._spelled(statement))
            while block := cursor.fetchmany(_BLOCK):
                yield block
        except failed as error:
            raise self._failure("read", error) from error
        finally:
            cursor.close()

    def _spelled(self, statement: str) -> str:
        return statement if self.is_sqlite else statement.replace("?", "%s")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction with nobody else's in between: committed at the end, undone when something is raised."""
        yield from self._transaction("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN", lock=True)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A transaction that sees one moment."""
        yield from self._transaction("BEGIN" if self.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def _transaction(self, begin: str, *, lock: bool = False) -> Iterator[None]:
        # The engine is in autocommit mode: the database's own words, because SQLite's driver knows no BEGIN IMMEDIATE.
        self._connection.exec_driver_sql(begin)
        try:
            if lock and not self.is_sqlite:
                self._connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            yield
            self._connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(SQLAlchemyError):
                self._connection.exec_driver_sql("ROLLBACK")
            raise

    @contextmanager
    def rewriting(self) -> Iterator[None]:
        """A writing transaction in which rows may be deleted: only for entries that nobody else has seen yet."""
        with self.writing():
            for statement in _undo(_APPEND_ONLY[self._engine.dialect.name]):
                self._connection.exec_driver_sql(statement)
            yield
            for statement in _APPEND_ONLY[self._engine.dialect.name]:
                self._connection.exec_driver_sql(statement)

    def reconnect(self, deadline: float) -> None:
        """Connect anew, trying until ``deadline`` (of :func:`time.monotonic`).

        Raises:
            DBAPIError: the database did not come back.
        """
        with suppress(SQLAlchemyError):
            self._connection.close()
        pause = 0.05
        while True:
            try:
                self._connection = self._engine.connect()
            except DBAPIError:
                if time.monotonic() + pause > deadline:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, 1.0)
            else:
                return

    @contextmanager
    def explained(self, done: str) -> Iterator[None]:
        """Turn what the database raises into an error with words: the ledger cannot be ``done`` (opened, read, written)."""
        try:
            yield
        except SQLAlchemyError as error:
            raise self._failure(done, getattr(error, "orig", None) or error) from error

    def _failure(self, done: str, cause: BaseException) -> LedgerError:
        words = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        return LedgerError(f"the ledger {self.name} cannot be {done}: {words}", hint=_way_out(words))

    def _migrate(self) -> None:
        version = self._version()
        if version < len(MIGRATIONS) and self.writable:
            with self.writing():  # somebody else may have done it meanwhile
                for number in range(self._version(), len(MIGRATIONS)):
                    MIGRATIONS[number](self._connection)
                    if not number:
                        _VERSIONS.create(self._connection)
                    now = dt.datetime.now(tz=dt.UTC).isoformat()
                    self._connection.execute(_VERSIONS.insert(), {"version": number + 1, "applied": now})
            version = self._version()
        if version > len(MIGRATIONS):
            raise LedgerError(
                f"the ledger {self.name} was written by a newer auditor (tables {version}, known {len(MIGRATIONS)})",
                hint="update the auditor",
            )
        if not version:
            raise LedgerError(f"{self.name} holds no ledger", hint="is `ledger` in the policy the right address?")

    def _version(self) -> int:
        if not sql.inspect(self._connection).has_table(_VERSIONS.name):
            return 0
        return int(self._connection.execute(sql.select(sql.func.max(_VERSIONS.c.version))).scalar() or 0)


def _engine(url: str | None, file: Path, *, writable: bool) -> tuple[sql.Engine, str]:
    """The engine, and what to call the database when speaking to people: never a password."""
    try:
        parsed = sql.make_url(url) if url is not None else sql.URL.create("sqlite", database=str(file))
    except ArgumentError:
        raise UsageError("the address of the ledger is no URL", hint="sqlite:////srv/ledger.db, postgresql://...") from None
    name = parsed.render_as_string(hide_password=True) if url is not None else str(file)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(Path(parsed.database or ""), name, writable=writable), name
    if parsed.get_backend_name() != "postgresql":
        raise UsageError(f"a ledger cannot be kept in {parsed.get_backend_name()}", hint="SQLite or PostgreSQL")
    try:
        psycopg = parsed.set(drivername="postgresql+psycopg")
        return sql.create_engine(psycopg, poolclass=NullPool, isolation_level="AUTOCOMMIT"), name
    except (ModuleNotFoundError, NoSuchModuleError):
        raise UsageError("PostgreSQL needs psycopg", hint="pip install 'ml-run-auditor[postgresql]'") from None


def _sqlite(file: Path, name: str, *, writable: bool) -> sql.Engine:
    if not file.is_absolute():
        raise UsageError(f"{name}: a ledger's file needs an absolute path", hint="four slashes: sqlite:////srv/ledger.db")
    if writable:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"the ledger {file} cannot be written: {error.strerror}") from None
    elif not file.exists():
        return sql.create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    place = sql.URL.create("sqlite", database=str(file))
    if not writable and not os.access(file.parent, os.W_OK) and not _has_log(file):
        # SQLite's own files beside it cannot be made there; nobody writes to it, either.
        place = sql.URL.create("sqlite", database=f"file:{quote(str(file))}", query={"immutable": "1", "uri": "true"})
    engine = sql.create_engine(
        place,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": PATIENCE},
    )

    def prepare(connection: Any, _record: object) -> None:
        # FULL: what was acknowledged survives a power cut, too. Readers do not wait for the writer.
        for pragma in ("journal_mode=WAL", "synchronous=FULL") if writable else ("query_only=ON",):
            connection.execute(f"PRAGMA {pragma}")

    sql.event.listen(engine, "connect", prepare)
    return engine


def _has_log(file: Path) -> bool:
    """Whether entries are still in the write-ahead log beside the file."""
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _undo(creations: Sequence[str]) -> Iterator[str]:
    """What removes these triggers again."""
    for statement in reversed(creations):
        words = statement.split()
        if words[1] == "TRIGGER":
            on = f" ON {words[words.index('ON') + 1]}" if "FUNCTION" in words else ""
            yield f"DROP TRIGGER {words[2]}{on}"
        else:
            yield f"DROP FUNCTION {words[2]}"


def _way_out(words: str) -> str | None:
    known = {
        "readonly": "the file, its directory or its file system is read-only",
        "disk is full": "make room; nothing that was acknowledged is lost",
        "full": "make room; nothing that was acknowledged is lost",
        "locked": "somebody else has been writing for too long",
        "unable to open": "is its directory there, and not read-only?",
        "connection": "is the server running, and does `ledger` in the policy have its address?",
    }
    return next((hint for sign, hint in known.items() if sign in words), None)
