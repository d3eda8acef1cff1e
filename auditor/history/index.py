"""What was graded already, by content: which versions are which run, and what each grade stands on.

A cache and nothing else. It can be deleted at any time, whatever is wrong with it makes it forget, and no gate that lets
bytes into production reads it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Self

from auditor.history.examine import Graded, mark_at
from auditor.history.found import Version

FILE = "history-index.v1.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS versions (
    store TEXT, path TEXT, mark TEXT, revision TEXT, at INTEGER, digest TEXT, pass INTEGER,
    PRIMARY KEY (store, path, mark)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_digest ON versions (digest);
CREATE INDEX IF NOT EXISTS by_mark ON versions (store, mark);
CREATE TABLE IF NOT EXISTS stores (store TEXT PRIMARY KEY, state TEXT, since INTEGER, listed INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS graded (digest TEXT PRIMARY KEY, key TEXT, settled INTEGER, pass INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (path TEXT, digest TEXT, mark TEXT, PRIMARY KEY (path, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_by ON seen (digest);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""

_PAGE = 1000


class Index:
    """The index in ``folder``; a ``fresh`` one forgets all that it knew."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        self._path = folder / FILE
        if fresh:
            self._remove()
        try:
            self._data = self._opened(folder)
        except sqlite3.DatabaseError:
            self._remove()
            self._data = self._opened(folder)

    def _opened(self, folder: Path) -> sqlite3.Connection:
        folder.mkdir(parents=True, exist_ok=True)
        data = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        data.execute("PRAGMA journal_mode=WAL")
        data.execute("PRAGMA synchronous=OFF")
        data.executescript(_TABLES)
        return data

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._data.close()

    def begin(self) -> int:
        """The number of a new pass."""
        (last,) = self._data.execute("SELECT value FROM state WHERE name = 'pass'").fetchone() or ("0",)
        number = int(last) + 1
        self._data.execute("INSERT OR REPLACE INTO state VALUES ('pass', ?)", (str(number),))
        return number

    def state_of(self, store: str) -> str | None:
        """How far the listing of a store went the last time."""
        found = self._data.execute("SELECT state FROM stores WHERE store = ?", (store,)).fetchone()
        return found[0] if found is not None else None

    def listed(self, store: str, state: str | None, *, complete: bool, number: int) -> None:
        """Remember how far the listing of a store went; after a complete one, what it did not name is gone from it."""
        since = self._data.execute("SELECT since FROM stores WHERE store = ?", (store,)).fetchone()
        first = number if complete or since is None else since[0]
        self._data.execute("INSERT OR REPLACE INTO stores VALUES (?, ?, ?, ?)", (store, state, first, number))

    def known(self, version: Version, number: int) -> str | None:
        """The run that a version is known to be; it is marked as seen in this pass."""
        key = (version.store, version.path, version.mark)
        found = self._data.execute(
            "UPDATE versions SET pass = ? WHERE store = ? AND path = ? AND mark = ? RETURNING digest", (number, *key)
        ).fetchone()
        if found is None and version.commit is not None:
            return self._moved(version, number)
        return found[0] if found is not None else None

    def _moved(self, version: Version, number: int) -> str | None:
        """The run of the same blob under another path; how a text is read depends on its suffix."""
        rows = self._data.execute(
            "SELECT path, digest FROM versions WHERE store = ? AND mark = ?", (version.store, version.mark)
        )
        suffix = PurePosixPath(version.path).suffix
        run = next((run for path, run in rows.fetchall() if PurePosixPath(path).suffix == suffix), None)
        if run is not None:
            self.identify(version, run, number)
        return run

    def is_graded(self, run: str) -> bool:
        """Whether the last grade of a run still holds."""
        return self._data.execute("SELECT 1 FROM graded WHERE digest = ?", (run,)).fetchone() is not None

    def forget(self, runs: list[str]) -> None:
        """Grade these runs again."""
        for table in ("graded", "seen"):
            self._data.executemany(f"DELETE FROM {table} WHERE digest = ?", ((run,) for run in runs))  # noqa: S608

    def forget_others(self, key: str) -> None:
        """Grade every run again that was graded by other rules than ``key``."""
        self._data.execute("DELETE FROM graded WHERE key != ?", (key,))

    def forget_unsettled(self) -> None:
        """Grade every run again whose grade could be another now that commits were added."""
        self._data.execute("DELETE FROM graded WHERE settled = 0")

    def moved(self, root: Path) -> list[str]:
        """The runs for which a file outside git is not what it was when they were graded. Every file is looked at once."""
        changed = []
        for path, marks in self._seen():
            mark = mark_at(root, path)
            changed += [run for run, before in marks if before != mark]
        return changed

    def _seen(self) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
        current, marks = None, []
        for path, run, mark in self._data.execute("SELECT path, digest, mark FROM seen ORDER BY path"):
            if path != current and current is not None:
                yield current, marks
                marks = []
            current = path
            marks.append((run, mark))
        if current is not None:
            yield current, marks

    def waiting(self, number: int) -> Iterator[Version]:
        """A version of each run that is in some store and has no grade that holds."""
        # Versions that were not listed in this pass are there all the same when their store said what is new since.
        # Page by page: grades are written down meanwhile, and there may be a million.
        query = (
            "SELECT v.digest, MIN(v.store), v.path, v.mark, v.revision, v.at FROM versions v JOIN stores s USING (store)"
            " WHERE v.pass >= s.since AND v.pass < s.listed AND s.listed = ? AND v.digest > ?"
            " AND NOT EXISTS (SELECT 1 FROM graded g WHERE g.digest = v.digest)"
            " GROUP BY v.digest ORDER BY v.digest LIMIT ?"
        )
        last = ""
        while rows := self._data.execute(query, (number, last, _PAGE)).fetchall():
            for _, store, path, mark, revision, at in rows:
                yield Version(store=store, path=path, mark=mark, commit=revision, at=at)
            last = rows[-1][0]

    def is_present(self, run: str) -> bool:
        """Whether some store that was ever listed still has a run."""
        found = self._data.execute(
            "SELECT 1 FROM versions v JOIN stores s USING (store) WHERE v.digest = ? AND v.pass >= s.since LIMIT 1", (run,)
        )
        return found.fetchone() is not None

    def count(self, number: int) -> int:
        """How many runs are in the stores that were listed in this pass."""
        query = "SELECT COUNT(DISTINCT v.digest) FROM versions v JOIN stores s USING (store)"
        (found,) = self._data.execute(f"{query} WHERE v.pass >= s.since AND s.listed = ?", (number,)).fetchone()
        return int(found)

    def dropped(self, number: int) -> list[str]:
        """The runs that stores no longer name which did so before; asked once, they are forgotten here."""
        where = "FROM versions AS v WHERE pass < (SELECT since FROM stores s WHERE s.store = v.store AND s.listed = ?)"
        runs = [run for (run,) in self._data.execute(f"SELECT DISTINCT digest {where}", (number,))]
        if runs:
            self._data.execute(f"DELETE {where}", (number,))
        gone = [run for run in runs if not self.is_present(run)]
        self.forget(gone)
        return gone

    def learn(self, graded: list[Graded], key: str, number: int) -> None:
        """Remember what was graded."""
        with self._data:
            self._data.execute("BEGIN")
            for one in graded:
                self.identify(one.version, one.report.digest, number)
                run = one.report.digest
                self._data.execute("INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?)", (run, key, int(one.settled), number))
                self._data.execute("DELETE FROM seen WHERE digest = ?", (run,))
                rows = [(seen.path, run, seen.mark) for seen in one.seen]
                self._data.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows)

    def identify(self, version: Version, run: str, number: int) -> None:
        """Remember which run a version is."""
        row = (version.store, version.path, version.mark, version.commit, version.at, run, number)
        self._data.execute("INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def value(self, name: str) -> str | None:
        """Something that was remembered under a name."""
        found = self._data.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return found[0] if found is not None else None

    def keep(self, name: str, value: str) -> None:
        """Remember something under a name."""
        self._data.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))
