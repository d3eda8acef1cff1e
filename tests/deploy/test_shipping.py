from __future__ import annotations

import os

import pytest

from auditor.digest import of_bytes
from auditor.errors import EmptySelectionError, RefusedError, UsageError
from auditor.gate.shipping import Shipment

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
    with Shipment([("folder", tmp_path)], None) as shipment, pytest.raises((UsageError, EmptySelectionError)):
        shipment.hashed()
    with (
        Shipment([("gone", tmp_path / "gone")], None) as shipment,
        pytest.raises(EmptySelectionError, match="cannot be read"),
    ):
        shipment.hashed()
    with pytest.raises(UsageError, match="same name"):
        Shipment([("model.npz", file), ("model.npz", file)], tmp_path / "release")
