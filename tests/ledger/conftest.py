"""Every test of the ledger runs on SQLite and on PostgreSQL unless it says otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditor.ledger.keys import FileKey
from auditor.ledger.ledger import Ledger, open_ledger

_number = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a place where no ledger is yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return request.getfixturevalue("postgresql").database(f"ledger{next(_number)}")


@pytest.fixture
def opened(address: str, tmp_path: Path) -> Callable[..., Ledger]:
    return lambda **options: open_ledger(address, tmp_path, **options)


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Iterator[Ledger]:
    with opened() as ledger:
        yield ledger


@pytest.fixture
def key() -> FileKey:
    return FileKey(Ed25519PrivateKey.generate())


@pytest.fixture
def raw(address: str) -> Callable[..., list[tuple]]:
    """Do as somebody would who has the database and not the auditor: one statement in SQL, the triggers out of the way."""

    def execute(statement: str, *parameters: object) -> list[tuple]:
        import sqlalchemy as sql  # noqa: PLC0415

        engine = sql.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = replica")
            else:
                for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                    connection.exec_driver_sql(f"DROP TRIGGER {name}")
            done = connection.execute(sql.text(statement), dict(zip("abcdef", parameters, strict=False)))
            rows = [tuple(row) for row in done.all()] if done.returns_rows else []
        engine.dispose()
        return rows

    return execute
