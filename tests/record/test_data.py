from __future__ import annotations

import os

import numpy as np
import pytest

from auditor.errors import UsageError
from auditor.record import seeds
from auditor.record.data import measure
from auditor.record.outputs import state, was_written


@pytest.mark.parametrize(
    ("name", "content", "records"),
    [
        ("a.csv", b"id,x\n1,2\n3,4\n", 2),
        ("a.csv", b"id,x\r\n1,2\r\n3,4", 2),
        ("a.csv", b"\xef\xbb\xbfid,x\n\n1,2\n\n", 1),
        ("a.csv", b'id,x\n1,"two\nlines"\n2,"a ""b"", c"\n', 2),
        ("a.csv", b"1,2\n3,4\n", 2),
        ("a.csv", b"name\n\xff\xfe\n", 1),
        ("a.csv", b"", 0),
        ("a.csv", b"id\n", 0),
        ("a.tsv", b"id\tx\n1\t2\n", 1),
        ("a.jsonl", b'{"a": 1}\n\n{"a": 2}', 2),
        ("a.txt", b"one\ntwo\n", None),
        ("a.npy", b"no array", None),
    ],
)
def test_records(tmp_path, name, content, records) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = measure(path, name=name)
    assert (found.records, found.size) == (records, len(content))
    assert (found.uncounted is not None) == (name == "a.npy")


@pytest.mark.parametrize(("shape", "records"), [((7, 3), 7), ((0,), 0), ((), None)])
def test_the_first_axis_of_an_array(tmp_path, shape, records) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape))
    assert measure(tmp_path / "a.npy", name="a").records == records


def test_a_very_long_line_is_counted(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\n" + b"a" * 5_000_000 + b"\n")
    assert measure(path, name="a").records == 1


def test_what_has_no_digest_is_refused(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder/pipe")
    for name in ("pipe", "folder", "missing"):
        with pytest.raises(UsageError, match=name):
            measure(tmp_path / name, name=name)


def test_only_what_changed_on_disk_was_written(tmp_path) -> None:
    path = tmp_path / "a"
    assert not was_written({}, state(path))
    path.write_text("x", encoding="utf-8")
    before = state(path)
    assert was_written({}, before)
    assert not was_written(before, state(path))
    (tmp_path / "b").write_text("x", encoding="utf-8")
    (tmp_path / "b").replace(path)
    assert was_written(before, state(path))


def test_seeds_of_a_configuration() -> None:
    tree = {
        "seed": 1,
        "seeds": 9,
        "model": {"random_state": "7", "data_seed": None, "x/y": {"split_seed": 2}},
        "list": [{"seed": 3}],
        "seeded": True,
        "random_state": True,
    }
    found = {
        name: (seed.value, seed.at) for name, seed in seeds.find(tree, ["python"], {"PYTHONHASHSEED": "random"}, []).items()
    }
    assert found == {
        "seed": (1, "/seed"),
        "model.random_state": ("7", "/model/random_state"),
        "model.x/y.split_seed": (2, "/model/x~1y/split_seed"),
        "list.0.seed": (3, "/list/0/seed"),
    }
