from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor import digest
from auditor.store.cache import FILE, DigestCache, Status
from auditor.store.hashing import Hashing

RAW = b"0123456789abcdef" * 8192
OTHER = b"fedcba9876543210" * 8192
LONG_AGO = 1_600_000_000_000_000_000


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "git" / "auditor"


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of the files that are read."""
    names, real = [], digest.of_stream
    monkeypatch.setattr(digest, "of_stream", lambda stream: names.append(Path(stream.name).name) or real(stream))
    return names


@pytest.fixture
def settled(monkeypatch):
    """A clock by which every file is old."""
    now = time.time_ns
    monkeypatch.setattr("auditor.store.hashing.time.time_ns", lambda: now() + 10_000_000_000)


def put(tmp_path, name: str = "a.bin", raw: bytes = RAW) -> Path:
    path = tmp_path / name
    path.write_bytes(raw)
    os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return path


def hashed(folder, *paths):
    hashing = Hashing(DigestCache(lambda: folder))
    found = [hashing.of_file(path) for path in paths]
    hashing.close()
    return found


def test_file_that_did_not_change_is_not_read_again(tmp_path, folder, read, settled):
    path = put(tmp_path)
    first = hashed(folder, path)
    assert first == [(digest.of_bytes(RAW), len(RAW))]
    assert hashed(folder, path) == first
    assert read == ["a.bin"]


@pytest.mark.parametrize("change", ["content", "size", "another file", "touched"])
def test_file_that_changed_is_read_again(tmp_path, folder, read, settled, change):
    path = put(tmp_path)
    hashed(folder, path)
    match change:
        case "content":  # with the old size and the old time: only ctime tells
            put(tmp_path, raw=OTHER)
        case "size":
            put(tmp_path, raw=RAW + b"!")
        case "another file":
            put(tmp_path, "b.bin", OTHER).replace(path)
        case "touched":
            path.touch()
    assert hashed(folder, path) == [(digest.of_bytes(path.read_bytes()), path.stat().st_size)]
    assert len(read) == 2


def test_file_as_young_as_the_clock_is_coarse_is_not_remembered(tmp_path, folder, read):
    path = put(tmp_path)  # its mtime is old, its ctime is now
    hashed(folder, path)
    hashed(folder, path)
    assert len(read) == 2


def test_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, folder, monkeypatch, settled):
    path, real = put(tmp_path), digest.of_stream

    def meanwhile(stream):
        answer = real(stream)
        put(tmp_path, raw=OTHER)
        return answer

    monkeypatch.setattr(digest, "of_stream", meanwhile)
    hashed(folder, path)
    monkeypatch.setattr(digest, "of_stream", real)
    assert hashed(folder, path)[0][0] == digest.of_bytes(OTHER)


def test_small_files_are_not_worth_it(tmp_path, folder, settled):
    hashed(folder, put(tmp_path, raw=b"small"))
    assert not folder.exists()


def test_cache_can_be_deleted_at_any_time(tmp_path, folder, settled):
    path = put(tmp_path)
    hashing = Hashing(DigestCache(lambda: folder))
    hashing.of_file(path)
    hashing.close()
    (folder / FILE).unlink()
    assert hashing.of_file(path)[0] == digest.of_bytes(RAW)
    hashing.close()


@pytest.mark.parametrize("content", [b"no data base", b"SQLite format 3\0" + b"\xff" * 4096, b""])
def test_damaged_cache_forgets_and_is_made_anew(tmp_path, folder, read, settled, content):
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(content)
    path = put(tmp_path)
    for _ in range(3):
        assert hashed(folder, path)[0][0] == digest.of_bytes(RAW)
    assert len(read) < 3


def test_entry_that_is_no_digest_is_ignored(tmp_path, folder, settled):
    path = put(tmp_path)
    hashed(folder, path)
    connection = sqlite3.connect(folder / FILE)
    with connection:
        connection.execute("UPDATE digests SET digest = 7")
    connection.close()
    assert hashed(folder, path)[0][0] == digest.of_bytes(RAW)


@pytest.mark.parametrize("obstacle", ["a file", "no folder"])
def test_no_place_for_a_cache_is_no_fault(tmp_path, settled, obstacle):
    (tmp_path / "git").write_text("not a folder")
    folder = tmp_path / "git" / "auditor" if obstacle == "a file" else Path("/proc/none")
    assert hashed(folder, put(tmp_path))[0][0] == digest.of_bytes(RAW)


def test_cache_that_somebody_else_holds_is_left_alone(tmp_path, folder, monkeypatch, settled):
    monkeypatch.setattr("auditor.store.cache._PATIENCE", 0.1)
    path = put(tmp_path)
    hashed(folder, path)
    holder = sqlite3.connect(folder / FILE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert hashed(folder, path, put(tmp_path, "b.bin", OTHER))[1][0] == digest.of_bytes(OTHER)
    holder.execute("ROLLBACK")
    holder.close()
    assert DigestCache(lambda: folder).get(path, Status.of(path.stat())) == digest.of_bytes(RAW)


def test_processes_write_side_by_side(tmp_path, folder):
    paths = [put(tmp_path, f"{index}.bin") for index in range(20)]
    script = (
        "import sys; from pathlib import Path\n"
        "from auditor.store.cache import DigestCache, Status\n"
        "for path in map(Path, sys.argv[2:]):\n"
        "    cache = DigestCache(lambda: Path(sys.argv[1]))\n"
        "    cache.put(path, Status.of(path.stat()), 'sha256:' + '1' * 64, started=2**62)\n"
        "    cache.close()\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, folder, *paths[start::3]]) for start in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    cache = DigestCache(lambda: folder)
    assert all(cache.get(path, Status.of(path.stat())) for path in paths)
    cache.close()


def test_many_files_in_their_order_and_errors_where_they_belong(tmp_path):
    paths = [put(tmp_path, f"{index}.bin", bytes([index]) * (5 << 20)) for index in range(5)]
    hashing = Hashing()
    assert hashing.of_files(paths) == {path: digest.of_file(path) for path in paths}
    with pytest.raises(FileNotFoundError):
        hashing.of_files([*paths, tmp_path / "none"])
    assert hashing.of_file(paths[0], beside=lambda: [tmp_path / "none", tmp_path, paths[1]]) == digest.of_file(paths[0])
