from __future__ import annotations

import os

import pytest

from auditor.digest import of_bytes
from auditor.errors import EmptySelectionError, RefusedError, UsageError
from auditor.gate.shipping import Shipment
from auditor.record.data import measure

RAW = b"weights\n" * 1000


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(RAW)
    return path


def test_file_swapped_between_hashing_and_hand_over_is_found_out(file, tmp_path):
    with Shipment([("model.npz", file)], None) as shipment:
        assert shipment.hashed()[0].digest == of_bytes(RAW)
        shipment.confirm()
        other = tmp_path / "other"
        other.write_bytes(b"x" * len(RAW))
        other.replace(file)
        with pytest.raises(RefusedError, match="changed between hashing and hand-over"):
            shipment.confirm()


def test_file_written_to_in_place_is_found_out(file):
    with Shipment([("model.npz", file)], None) as shipment:
        shipment.hashed()
        with file.open("r+b") as stream:
            stream.write(b"X")
        with pytest.raises(RefusedError):
            shipment.confirm()


def test_file_that_went_away_is_found_out(file):
    with Shipment([("model.npz", file)], None) as shipment:
        shipment.hashed()
        file.unlink()
        with pytest.raises(RefusedError):
            shipment.confirm()


def test_copy_holds_what_was_hashed_whatever_becomes_of_the_file(file, tmp_path):
    to = tmp_path / "release"
    with Shipment([("model.npz", file)], to) as shipment:
        shipment.hashed()
        file.write_bytes(b"swapped\n")
        shipment.confirm()
        (placed,) = shipment.hand_over()
    assert placed == to / "model.npz"
    assert placed.read_bytes() == RAW
    assert [path.name for path in to.iterdir()] == ["model.npz"]


def test_nothing_is_left_when_the_gate_stays_closed(file, tmp_path):
    to = tmp_path / "release"
    with Shipment([("model.npz", file)], to) as shipment:
        shipment.hashed()
    assert list(to.iterdir()) == []


def test_file_that_somebody_puts_in_the_way_is_not_replaced(file, tmp_path):
    to = tmp_path / "release"
    with Shipment([("model.npz", file)], to) as shipment:
        shipment.hashed()
        (to / "model.npz").write_bytes(b"mine\n")
        with pytest.raises(RefusedError, match="in the way"):
            shipment.hand_over()
    assert (to / "model.npz").read_bytes() == b"mine\n"
    assert [path.name for path in to.iterdir()] == ["model.npz"]


def test_only_regular_files_ship(file, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with Shipment([("pipe", tmp_path / "pipe")], None) as shipment, pytest.raises(UsageError, match="no regular file"):
        shipment.hashed()
    with pytest.raises(UsageError, match="a link or a special file"):
        Shipment([("folder", tmp_path)], None)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptySelectionError, match="no file in"):
        Shipment([("folder", tmp_path / "empty")], None)
    with (
        Shipment([("gone", tmp_path / "gone")], None) as shipment,
        pytest.raises(EmptySelectionError, match="cannot be read"),
    ):
        shipment.hashed()
    with pytest.raises(UsageError, match="same name"):
        Shipment([("model.npz", file), ("model.npz", file)], tmp_path / "release")


@pytest.fixture
def folder(tmp_path):
    shards = tmp_path / "model"
    (shards / "deep").mkdir(parents=True)
    (shards / "one.bin").write_bytes(b"one")
    (shards / "deep" / "two.bin").write_bytes(b"two!")
    return shards


def test_a_folder_ships_as_the_tree_that_a_manifest_records(folder, tmp_path):
    to = tmp_path / "release"
    with Shipment([("model", folder)], to) as shipment:
        (hashed,) = shipment.hashed()
        assert (hashed.digest, hashed.size) == (measure(folder, name="x").digest, 7)
        (folder / "one.bin").write_bytes(b"eno")
        shipment.confirm()
        assert len(shipment.hand_over()) == 2
    assert (to / "model" / "one.bin").read_bytes() == b"one"
    assert (to / "model" / "deep" / "two.bin").read_bytes() == b"two!"
    assert sorted(path.name for path in to.iterdir()) == ["model"]


@pytest.mark.parametrize("change", ["write", "add", "remove"])
def test_a_folder_that_changed_since_does_not_ship(folder, change):
    with Shipment([("model", folder)], None) as shipment:
        shipment.hashed()
        if change == "write":
            (folder / "one.bin").write_bytes(b"eno")
        elif change == "add":
            (folder / "three.bin").write_bytes(b"three")
        else:
            (folder / "one.bin").unlink()
        with pytest.raises(RefusedError):
            shipment.confirm()
