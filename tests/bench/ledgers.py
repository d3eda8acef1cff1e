"""Keeping a ledger beside plain SQLite: appending, verifying, and asking a million entries for one digest's verdict."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sqlite3
import time
from pathlib import Path
from statistics import median

from clock import goal, table

from auditor.ledger.entry import Kind, draft
from auditor.ledger.ledger import open_ledger

ENTRIES = int(os.environ.get("BENCH_ENTRIES", "1000000"))
SINGLE = int(os.environ.get("BENCH_APPENDS", "300"))
_BATCH = 10_000


def keeping(room: Path) -> str:
    """The table of the ledger."""
    body = {"gate": "merge", "verdict": "open", "manifest": "runs/x.run.yaml", "policy": f"sha256:{64 * 'd'}"}
    plain, ours = _singly(room, body)
    bulk_plain, bulk_ours = _in_bulk(room, body)
    with open_ledger(None, room / "many") as ledger:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, worked = time.perf_counter(), time.process_time()
        verified = ledger.verify()
        rate = verified.entries / (time.perf_counter() - start)
        alone = verified.entries / (time.process_time() - worked)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        if verified.broken is not None:
            raise RuntimeError(str(verified.broken))
        seconds = []
        for number in range(200):
            start = time.perf_counter()
            if ledger.latest("verdict", _digest(number * 4999 % ENTRIES)) is None:
                raise RuntimeError("a verdict is missing")
            seconds.append(time.perf_counter() - start)
    asked, times = median(seconds) * 1e3, ours / plain
    rows = [
        ["append one", f"{plain * 1e3:.2f} ms", f"{ours * 1e3:.2f} ms", goal(times <= 3, f"{times:.1f}x, at most 3x")],
        ["append in bulk", f"{bulk_plain:,.0f}/s", f"{bulk_ours:,.0f}/s", ""],
        ["verify", "", f"{rate:,.0f}/s", goal(rate >= 300_000, "at least 300,000/s")],
        ["  by processor time", "", f"{alone:,.0f}/s", ""],
        ["  memory it took", "", f"{grown:.0f} MiB", ""],
        ["a digest's verdict", "", f"{asked:.2f} ms", goal(asked < 10, "under 10 ms")],
    ]  # fmt: skip
    return table(f"ledger ({ENTRIES:,} entries, SQLite, unsigned)", ["", "plain SQLite", "auditor", "goal"], rows)


def _digest(number: int) -> str:
    return f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"


def _plain(file: Path) -> sqlite3.Connection:
    """What anybody would write: one table, an index on the digest, as durable as ours."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE entries (sequence INTEGER PRIMARY KEY, kind TEXT, subject TEXT, body TEXT)")
    connection.execute("CREATE INDEX by_subject ON entries (subject, kind)")
    return connection


def _singly(room: Path, body: dict[str, object]) -> tuple[float, float]:
    """Median seconds of one durable append, plain and ours, taken in turns."""
    connection = _plain(room / "plain" / "one.db")
    plain, ours = [], []
    with open_ledger(None, room / "one") as ledger:
        for number in range(SINGLE):
            start = time.perf_counter()
            connection.execute(
                "INSERT INTO entries (kind, subject, body) VALUES (?, ?, ?)", ("verdict", _digest(number), json.dumps(body))
            )
            plain.append(time.perf_counter() - start)
            start = time.perf_counter()
            ledger.append("verdict", subject=_digest(number), body=body)
            ours.append(time.perf_counter() - start)
    connection.close()
    return median(plain), median(ours)


def _in_bulk(room: Path, body: dict[str, object]) -> tuple[float, float]:
    """Entries a second in transactions of ten thousand, plain and ours; ours stay for the other figures."""
    connection = _plain(room / "plain" / "many.db")
    start = time.perf_counter()
    for first in range(0, ENTRIES, _BATCH):
        rows = [("verdict", _digest(number), json.dumps(body)) for number in range(first, min(first + _BATCH, ENTRIES))]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO entries (kind, subject, body) VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    plain = ENTRIES / (time.perf_counter() - start)
    connection.close()
    start = time.perf_counter()
    with open_ledger(None, room / "many") as ledger:
        for first in range(0, ENTRIES, _BATCH):
            numbers = range(first, min(first + _BATCH, ENTRIES))
            ledger.extend([draft(Kind.VERDICT, subjects=(_digest(number),), body=body) for number in numbers])
    return plain, ENTRIES / (time.perf_counter() - start)
