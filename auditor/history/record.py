"""What every audit of the past found, appended and never rewritten: one SQLite file inside the git common directory.

A verdict is written down only when it says something else than the run's last one, so a thousand audits of an unchanged
history cost a thousand lines. Texts that many runs have in common are kept once.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import msgspec

from auditor import digest
from auditor.errors import UndecidableError
from auditor.history.examine import Graded, State, Unread
from auditor.history.facts import Facts
from auditor.history.found import Version
from auditor.model.comparison import ReproductionResult
from auditor.model.finding import Result
from auditor.model.words import Verdict

FILE = "history.v1.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS audits (
    audit INTEGER PRIMARY KEY, started TEXT NOT NULL, head TEXT, policy TEXT NOT NULL, tool TEXT NOT NULL,
    asked TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS endings (
    audit INTEGER PRIMARY KEY, finished TEXT NOT NULL, found INTEGER NOT NULL, graded INTEGER NOT NULL,
    left INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS bodies (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    digest TEXT NOT NULL, store TEXT NOT NULL, path TEXT NOT NULL, mark TEXT NOT NULL, revision TEXT, at INTEGER,
    PRIMARY KEY (digest, store, path, mark)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdicts (
    seq INTEGER PRIMARY KEY, audit INTEGER NOT NULL, digest TEXT NOT NULL, graded TEXT NOT NULL, state TEXT NOT NULL,
    earlier TEXT NOT NULL, today TEXT NOT NULL, rules TEXT NOT NULL, id TEXT, identity TEXT NOT NULL, manifest TEXT NOT NULL,
    results TEXT NOT NULL, facts BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS latest ON verdicts (digest, seq);
CREATE INDEX IF NOT EXISTS by_audit ON verdicts (audit);
CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY, audit INTEGER NOT NULL, digest TEXT NOT NULL, executed TEXT NOT NULL, outcome TEXT NOT NULL,
    body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sights (
    seq INTEGER PRIMARY KEY, audit INTEGER NOT NULL, seen TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    good INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS unread (
    seq INTEGER PRIMARY KEY, audit INTEGER NOT NULL, store TEXT NOT NULL, path TEXT NOT NULL, mark TEXT NOT NULL,
    quarantined INTEGER NOT NULL, reason TEXT NOT NULL);
"""
_KEPT = ("audits", "endings", "bodies", "verdicts", "executions", "sights", "unread")

_RESULTS = msgspec.msgpack.Decoder(tuple[Result, ...])
_FACTS = msgspec.msgpack.Decoder(Facts)
_EXECUTED = msgspec.msgpack.Decoder(tuple[ReproductionResult, ...])


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict as it was written down."""

    seq: int
    audit: int
    digest: str
    graded: str
    state: State
    then: Verdict
    today: Verdict
    rules: str
    id: str | None
    identity: str
    manifest: str
    results: str
    facts: Facts


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """What a re-execution during an audit showed."""

    seq: int
    audit: int
    digest: str
    executed: str
    outcome: str
    reproductions: tuple[ReproductionResult, ...]


def now() -> str:
    """The time, as it is written down."""
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")


class Record:
    """The record in ``folder``. Several processes may read it while one appends.

    Raises:
        UndecidableError: it cannot be opened, or is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._data = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self._data.execute("PRAGMA journal_mode=WAL")
            self._data.execute("PRAGMA synchronous=NORMAL")
            self._data.executescript(_TABLES)
            for table in _KEPT:
                for change in ("UPDATE", "DELETE"):
                    self._data.execute(
                        f"CREATE TRIGGER IF NOT EXISTS {table}_{change} BEFORE {change} ON {table} "
                        "BEGIN SELECT RAISE(ABORT, 'verdicts are appended, never rewritten'); END"
                    )
        except (sqlite3.Error, OSError) as error:
            raise UndecidableError(
                f"the record of earlier audits, {self.path}, cannot be opened: {error}",
                hint="move the file away to begin a new record; what it holds cannot be made again",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._data.close()

    def begin(self, *, head: str | None, policy: str, tool: str, asked: str) -> int:
        """The number of a new audit."""
        row = "INSERT INTO audits (started, head, policy, tool, asked) VALUES (?, ?, ?, ?, ?)"
        number = self._data.execute(row, (now(), head, policy, tool, asked)).lastrowid
        assert number is not None  # noqa: S101  (an insert has one)
        return number

    def end(self, audit: int, *, found: int, graded: int, left: int) -> None:
        """Write down that an audit came to its end."""
        self._data.execute("INSERT OR IGNORE INTO endings VALUES (?, ?, ?, ?, ?)", (audit, now(), found, graded, left))

    def sighted(self, kind: str, name: str) -> bool | None:
        """Whether something that runs rest on was good when it was last looked for; None for never."""
        row = self._data.execute(
            "SELECT good FROM sights WHERE kind = ? AND name = ? ORDER BY seq DESC LIMIT 1", (kind, name)
        ).fetchone()
        return None if row is None else bool(row[0])

    def sight(self, audit: int, kind: str, name: str, *, good: bool) -> None:
        """Write down that it was looked for again."""
        row = "INSERT INTO sights (audit, seen, kind, name, good) VALUES (?, ?, ?, ?, ?)"
        self._data.execute(row, (audit, now(), kind, name, int(good)))

    def append(self, audit: int, answers: Iterable[Graded | Unread]) -> list[tuple[Judged | None, Graded]]:
        """Write down what was found, all of it or nothing; the former verdict of each graded run with it.

        A verdict that says what the run's last one said is not repeated.
        """
        written = []
        self._data.execute("BEGIN IMMEDIATE")
        try:
            for answer in answers:
                if isinstance(answer, Unread):
                    self._unread(audit, answer)
                else:
                    former = self.latest(answer.report.digest)
                    self._judged(audit, answer, former)
                    written.append((former, answer))
        except BaseException:
            self._data.execute("ROLLBACK")
            raise
        self._data.execute("COMMIT")
        return written

    def place(self, known: str, version: Version) -> None:
        """Write down that the run ``known`` also stands at ``version``."""
        row = (known, version.store, version.path, version.mark, version.commit, version.at)
        self._data.execute("INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?, ?, ?)", row)

    def executed(self, audit: int, run: str, outcome: str, reproductions: tuple[ReproductionResult, ...]) -> None:
        """Write down what a re-execution showed."""
        body = zlib.compress(msgspec.msgpack.encode(reproductions))
        row = "INSERT INTO executions (audit, digest, executed, outcome, body) VALUES (?, ?, ?, ?, ?)"
        self._data.execute(row, (audit, run, now(), outcome, body))

    def latest(self, run: str) -> Judged | None:
        """The last verdict about a run."""
        row = self._data.execute(f"SELECT {_COLUMNS} FROM verdicts WHERE digest = ? ORDER BY seq DESC LIMIT 1", (run,))  # noqa: S608  (our own words)
        found = row.fetchone()
        return _judged(found) if found is not None else None

    def all_latest(self) -> Iterator[Judged]:
        """The last verdict about every run, by digest."""
        inner = "SELECT MAX(seq) FROM verdicts GROUP BY digest"
        for row in self._data.execute(f"SELECT {_COLUMNS} FROM verdicts WHERE seq IN ({inner}) ORDER BY digest"):  # noqa: S608
            yield _judged(row)

    def verdicts(self, run: str | None = None) -> Iterator[Judged]:
        """Every verdict in the order in which they were written, of one run or of all."""
        where, given = ("WHERE digest = ?", (run,)) if run is not None else ("", ())
        for row in self._data.execute(f"SELECT {_COLUMNS} FROM verdicts {where} ORDER BY seq", given):  # noqa: S608
            yield _judged(row)

    def results(self, body: str) -> tuple[Result, ...]:
        """The results that a verdict stands on."""
        (found,) = self._data.execute("SELECT body FROM bodies WHERE digest = ?", (body,)).fetchone()
        return _RESULTS.decode(zlib.decompress(found))

    def executions(self) -> Iterator[Executed]:
        """Every re-execution, in order."""
        for seq, audit, run, when, outcome, body in self._data.execute("SELECT * FROM executions ORDER BY seq"):
            found = _EXECUTED.decode(zlib.decompress(body))
            yield Executed(seq=seq, audit=audit, digest=run, executed=when, outcome=outcome, reproductions=found)

    def places(self, run: str) -> list[Version]:
        """Where a run was found."""
        rows = self._data.execute(
            "SELECT store, path, mark, revision, at FROM places WHERE digest = ? ORDER BY 1, 2", (run,)
        )
        return [Version(store=s, path=p, mark=m, commit=c, at=a) for s, p, m, c, a in rows]

    def unread(self, audit: int) -> list[Unread]:
        """What an audit could not grade."""
        rows = self._data.execute("SELECT store, path, mark, quarantined, reason FROM unread WHERE audit = ?", (audit,))
        return [
            Unread(version=Version(store=s, path=p, mark=m), reason=reason, quarantined=bool(poison))
            for s, p, m, poison, reason in rows
        ]

    def audits(self) -> list[tuple[int, str, str | None, str, str, str]]:
        """Every audit: its number, when it began, the head, the policy's digest, the tool's version and what was asked."""
        return self._data.execute("SELECT * FROM audits ORDER BY audit").fetchall()

    def grades(self, audit: int | None = None) -> dict[str, int]:
        """How many runs have each last verdict of today, by word; of the runs judged up to ``audit``."""
        bound = "" if audit is None else f"WHERE audit <= {int(audit)}"
        inner = f"SELECT MAX(seq) FROM verdicts {bound} GROUP BY digest"  # noqa: S608
        return dict(self._data.execute(f"SELECT today, COUNT(*) FROM verdicts WHERE seq IN ({inner}) GROUP BY today"))  # noqa: S608

    def count(self) -> int:
        """How many runs were ever judged."""
        (number,) = self._data.execute("SELECT COUNT(DISTINCT digest) FROM verdicts").fetchone()
        return int(number)

    def _judged(self, audit: int, graded: Graded, former: Judged | None) -> None:
        report = graded.report
        self.place(report.digest, graded.version)
        packed = msgspec.msgpack.encode(report.results)
        body = digest.of_bytes(packed)
        said = (graded.state, graded.then, graded.today, body)
        if former is not None and said == (former.state, former.then, former.today, former.results):
            return
        self._data.execute("INSERT OR IGNORE INTO bodies VALUES (?, ?)", (body, zlib.compress(packed, 1)))
        facts = msgspec.msgpack.encode(graded.facts)
        row = (audit, report.digest, now(), *said[:3], graded.then_policy, report.id, report.identity, report.manifest)
        marks = ", ".join("?" * 12)
        names = "audit, digest, graded, state, earlier, today, rules, id, identity, manifest, results, facts"
        self._data.execute(f"INSERT INTO verdicts ({names}) VALUES ({marks})", (*row, body, facts))  # noqa: S608  (our own)

    def _unread(self, audit: int, answer: Unread) -> None:
        version = answer.version
        row = "INSERT INTO unread (audit, store, path, mark, quarantined, reason) VALUES (?, ?, ?, ?, ?, ?)"
        self._data.execute(
            row, (audit, version.store, version.path, version.mark, int(answer.quarantined), answer.reason[:1000])
        )


_COLUMNS = "seq, audit, digest, graded, state, earlier, today, rules, id, identity, manifest, results, facts"


def _judged(row: tuple[object, ...]) -> Judged:
    names = ("seq", "audit", "digest", "graded", "state", "then", "today", "rules", "id", "identity", "manifest", "results")
    *said, facts = row
    assert isinstance(facts, bytes)  # noqa: S101  (the column's type)
    return msgspec.convert({**dict(zip(names, said, strict=True)), "facts": _FACTS.decode(facts)}, Judged)
