from __future__ import annotations

import dataclasses
import datetime as dt
import json
import multiprocessing
import tracemalloc

import pytest
import sqlalchemy as sql

from auditor import digest
from auditor.errors import LedgerError, UsageError
from auditor.ledger import database
from auditor.ledger.entry import GENESIS, Kind, draft
from auditor.ledger.ledger import FILE, open_ledger

SUBJECT = "sha256:" + 64 * "a"
OTHER = "sha256:" + 64 * "b"


def test_an_entry_says_what_was_written(ledger, key):
    body = {"verdict": "open", "manifest": SUBJECT, "number": 0.1, "words": "ü\u2028"}
    written = ledger.append("verdict", subject=SUBJECT, subjects=(OTHER,), body=body, key=key, actor="judge@example.org")
    (entry,) = ledger.entries()
    assert entry == written
    assert (entry.sequence, entry.kind, entry.subject, entry.subjects) == (1, Kind.VERDICT, SUBJECT, (SUBJECT, OTHER))
    assert entry.body == body
    assert entry.actor == "judge@example.org"
    assert entry.previous == GENESIS
    assert entry.keyid == key.public.keyid
    assert entry.is_signed()
    assert abs(dt.datetime.now(tz=dt.UTC) - entry.when) < dt.timedelta(minutes=5)


def test_the_digest_is_that_of_the_canonical_link(ledger, key):
    """Another implementation needs json and SHA-256, no more."""
    ledger.append("verdict", subject=SUBJECT, body={"verdict": "open"})
    ledger.append("approval", subject=SUBJECT, body={"gate": "deploy"}, key=key)
    first, second = ledger.entries()
    for entry in (first, second):
        value = json.loads(entry.link)
        assert digest.of_value(value) == entry.digest
        assert digest.canonical_bytes(value) == entry.link
    assert json.loads(second.link)["previous"] == first.digest
    assert ledger.head == (2, second.digest)


def test_entries_are_found_by_kind_subject_and_place(ledger):
    for number in range(12):
        kind = ("verdict", "access", "approval")[number % 3]
        subjects = (SUBJECT, OTHER) if number % 2 else (OTHER,)
        ledger.append(kind, subject=subjects[0], subjects=subjects[1:], body={"number": number})
    numbers = lambda *a, **b: [entry.body["number"] for entry in ledger.entries(*a, **b)]  # noqa: E731
    assert numbers() == list(range(12))
    assert numbers("access") == [1, 4, 7, 10]
    assert numbers(subject=SUBJECT) == [1, 3, 5, 7, 9, 11]
    assert numbers("verdict", SUBJECT) == [3, 9]
    assert numbers("verdict", OTHER, after=4) == [6, 9]
    assert numbers(after=10) == [10, 11]
    assert numbers("waiver") == []
    newest = ledger.latest("verdict", SUBJECT)
    assert newest is not None
    assert newest.body == {"number": 9}
    assert ledger.latest("waiver", SUBJECT) is None


def test_reading_many_entries_keeps_memory_flat(ledger):
    body = {"words": "x" * 2000}
    ledger.extend([draft(Kind.ACCESS, subjects=(SUBJECT,), body=body) for _ in range(3000)])
    tracemalloc.start()
    try:
        assert sum(1 for _ in ledger.entries()) == 3000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3000 * 2000


@pytest.mark.parametrize(
    ("subject", "body"),
    [("sha256:short", {}), ("", {}), (SUBJECT, {"number": float("nan")}), (SUBJECT, {"words": "x" * (4 << 20)})],
)
def test_what_is_no_entry_is_refused_and_leaves_nothing(ledger, subject, body):
    with pytest.raises(UsageError):
        ledger.append("verdict", subject=subject, body=body)
    assert ledger.head == (0, GENESIS)


def test_entries_cannot_be_changed_by_accident(ledger, address):
    ledger.append("verdict", subject=SUBJECT, body={})
    engine = sql.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    for statement in ("UPDATE entries SET kind = 'access'", "DELETE FROM entries", "DELETE FROM subjects"):
        with pytest.raises(sql.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()
    assert ledger.verify().broken is None


def test_a_ledger_that_is_only_read_is_not_made(tmp_path):
    with open_ledger(None, tmp_path, writable=False) as ledger:
        assert list(ledger.entries()) == []
        assert ledger.verify().entries == 0
        with pytest.raises(LedgerError, match="reading only"):
            ledger.append("verdict", subject=SUBJECT, body={})
    assert not (tmp_path / FILE).exists()


def test_the_default_place_is_inside_the_git_directory(repository):
    from auditor.git import Repository  # noqa: PLC0415

    with Repository.discover(repository.root) as git, open_ledger(None, git) as ledger:
        ledger.append("verdict", subject=SUBJECT, body={})
    assert (repository.root / ".git/auditor/ledger.db").is_file()
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [("nonsense", "no URL"), ("mysql://host/x", "cannot be kept in mysql"), ("sqlite:///relative.db", "absolute path")],
)
def test_an_address_that_is_none_is_said(url, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        open_ledger(url, tmp_path)


def test_an_unreachable_server_is_said_without_its_password(tmp_path):
    with pytest.raises(LedgerError, match="cannot be opened") as caught:
        open_ledger("postgresql://someone:secret@127.0.0.1:1/ledger", tmp_path)
    assert "secret" not in str(caught.value)
    assert caught.value.hint is not None


def test_a_database_without_a_ledger_is_not_taken_for_an_empty_one(address, tmp_path, raw):
    raw("CREATE TABLE something (number INTEGER)")
    with pytest.raises(LedgerError, match="holds no ledger"):
        open_ledger(address, tmp_path, writable=False)


def test_an_old_ledger_is_brought_up_to_date_and_keeps_its_entries(opened, raw, monkeypatch):
    with opened() as ledger:
        entry = ledger.append("verdict", subject=SUBJECT, body={"old": True})
    later = [*database.MIGRATIONS, lambda connection: connection.exec_driver_sql("CREATE TABLE notes (words TEXT)")]
    monkeypatch.setattr(database, "MIGRATIONS", later)
    with opened() as ledger:
        assert list(ledger.entries()) == [entry]
        ledger.append("verdict", subject=SUBJECT, body={"old": False})
        assert ledger.verify().broken is None
    assert raw("SELECT version FROM ledger_schema ORDER BY version") == [(1,), (2,)]
    assert raw("SELECT * FROM notes") == []


def test_a_newer_ledger_is_left_alone(opened, raw):
    with opened() as ledger:
        ledger.append("verdict", subject=SUBJECT, body={})
    raw("INSERT INTO ledger_schema VALUES (99, 'tomorrow')")
    with pytest.raises(LedgerError, match="newer auditor"):
        opened()


def _write(address, folder, writer, count):
    with open_ledger(address, folder) as ledger:
        for number in range(count):
            ledger.append("access", subject=SUBJECT, body={"writer": writer, "number": number})


def test_eight_writers_at_once_leave_neither_gap_nor_fork(address, tmp_path, ledger):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["auditor.ledger.database"])
    writers = [processes.Process(target=_write, args=(address, tmp_path, number, 25)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == 8 * [0]
    entries = list(ledger.entries())
    assert [entry.sequence for entry in entries] == list(range(1, 201))
    for writer in range(8):
        assert [e.body["number"] for e in entries if e.body["writer"] == writer] == list(range(25))
    assert ledger.verify().broken is None


def test_a_clock_that_was_put_back_is_remarked_and_revives_nothing(ledger, monkeypatch):
    future = dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=3)
    ledger.extend([draft(Kind.ACCESS, subjects=(SUBJECT,), body={}, written=future)])
    ledger.append("access", subject=SUBJECT, body={})
    verified = ledger.verify()
    assert verified.broken is None
    assert len(verified.remarks) == 1
    assert "entry 2 is dated" in verified.remarks[0]
    ledger.extend([draft(Kind.ACCESS, subjects=(SUBJECT,), body={}, written=future)])
    assert ledger.now() == future


def test_a_tail_that_nobody_saw_is_replaced_as_a_whole_or_not_at_all(ledger):
    for number in range(4):
        ledger.append("access", subject=SUBJECT, body={"number": number})
    other = draft(Kind.ACCESS, subjects=(OTHER,), body={"number": "other"})
    with pytest.raises(LedgerError, match="meanwhile"):
        ledger.replace_tail(2, [other], onto=(3, ledger.head[1]))
    ledger.replace_tail(2, [other], onto=ledger.head)
    assert [entry.body["number"] for entry in ledger.entries()] == [0, 1, "other"]
    assert ledger.verify().broken is None
    ledger.append("access", subject=SUBJECT, body={"number": 4})
    assert ledger.verify().entries == 4


def test_entries_are_frozen(ledger):
    entry = ledger.append("verdict", subject=SUBJECT, body={})
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.sequence = 2
