"""A ledger that was written once is read for ever: every released shape is kept here as it was written.

``golden/v1.db`` is the database, ``golden/v1.jsonl`` its export. Never write them anew: add a new shape beside them.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auditor.ledger.database import MIGRATIONS
from auditor.ledger.entry import Kind
from auditor.ledger.ledger import open_ledger
from auditor.ledger.transfer import lines, read_lines, receive

GOLDEN = Path(__file__).with_name("golden")
SIGNER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
SHAPES = [f"v{number + 1}" for number in range(len(MIGRATIONS))]


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


def test_every_shape_of_the_tables_has_a_golden_file(shape):
    assert (GOLDEN / f"{shape}.db").is_file()
    assert (GOLDEN / f"{shape}.jsonl").is_file()


def test_an_old_database_is_brought_up_to_date_and_says_the_same(shape, tmp_path):
    file = tmp_path / "ledger.db"
    shutil.copy(GOLDEN / f"{shape}.db", file)
    with open_ledger(f"sqlite:///{file}", tmp_path) as ledger:
        entries = list(ledger.entries())
        verified = ledger.verify()
        assert verified.broken is None
        assert b"".join(lines(entries)) == (GOLDEN / f"{shape}.jsonl").read_bytes()
        assert {entry.kind for entry in entries} == set(Kind) - LATER.get(shape, set())
        assert [entry.key for entry in entries if entry.key] == [SIGNER] * (len(entries) - 1)
        assert all(entry.is_signed() for entry in entries if entry.key)
        ledger.append("access", subject=entries[0].subject, body={"what": "fetch"})
        assert ledger.verify().broken is None


def test_an_old_export_is_read_into_either_database(shape, ledger):
    with (GOLDEN / f"{shape}.jsonl").open("rb") as stream:
        receive(ledger, read_lines(stream, f"{shape}.jsonl"))
    assert b"".join(lines(ledger.entries())) == (GOLDEN / f"{shape}.jsonl").read_bytes()
    assert ledger.verify().broken is None


LATER: dict[str, set[Kind]] = {}
"""Kinds of entries that came after a shape was written."""
