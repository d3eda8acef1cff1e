"""The same table in every format, and files that are none."""

from __future__ import annotations

import contextlib
import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from auditor.compare.errors import Pickled, Refused, Unrecomputable
from auditor.compare.predictions import compare_predictions
from auditor.compare.recompute import recompute
from auditor.compare.tables import open_table
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance
from auditor.model.words import Agreement

IDS, LABELS, GUESSES, SCORES = [7, 8, 9, 10], [0, 1, 1, 0], [0, 1, 0, 0], [0.125, 0.75, 0.1, 1e-05]


def rows_of(path):
    with open_table(path) as table:
        return table.header, [tuple(row) for row in table.rows]


def written(folder, form):
    path = folder / f"p.{form}"
    columns = {"id": IDS, "label": LABELS, "prediction": GUESSES, "proba": SCORES}
    match form:
        case "csv" | "tsv":
            lines = [columns.keys(), *zip(*columns.values(), strict=True)]
            path.write_text("".join(("," if form == "csv" else "\t").join(map(str, line)) + "\n" for line in lines))
        case "jsonl" | "ndjson":
            rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case "parquet":
            parquet.write_table(pa.table(columns), path, row_group_size=3)
        case "npz":
            np.savez(path, **columns)
    return path


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl", "ndjson", "parquet", "npz"])
def test_the_same_table_in_every_format(tmp_path, form):
    path, other = written(tmp_path, form), written(tmp_path, "csv")
    assert rows_of(path) == rows_of(other)
    assert recompute("accuracy", path, None).value == 0.75
    assert recompute("roc_auc", path, None).value == 0.75
    labels = tmp_path / "y.jsonl"
    pairs = reversed(list(zip(IDS, LABELS, strict=True)))
    labels.write_text("".join(json.dumps({"id": one, "target": other}) + "\n" for one, other in pairs))
    assert recompute("accuracy", path, labels).value == 0.75
    assert compare_predictions(other, path, of="p", tolerance=Tolerance()).agreement is Agreement.BITWISE


def test_numbers_of_jsonl_stay_as_they_are_written(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1.10, "b": true, "c": null, "d": NaN, "e": "1e5", "f": 12345678901234567890}\n')
    assert rows_of(tmp_path / "t.jsonl")[1] == [("1.10", "True", "", "NaN", "1e5", "12345678901234567890")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("[1]\n", "no JSON object"),
        ("3\n", "no JSON object"),
        ('{"a": 1}\n{"b": 1}\n', "line 2 has other keys"),
        ('{"a": 1}\n{"a": 1, "b": 2}\n', "line 2 has other keys"),
        ('{"a": 1, "a": 1}\n', "key twice"),
        ('{"a": [1]}\n', "nested value at a"),
        ('{"a": {"b": 1}}\n', "nested value at a"),
        ('{"a": {}}\n', "nested value at a"),
        ('{"a": 1}\n\n{"a": 2}\n', "line 2 is blank"),
        ('{"a": 1\n', "no JSON text"),
        ('{"a":' * 50_000 + "\n", "no JSON text"),
        ('{"a": "' + "x" * (1 << 20) + '"}\n', "more than"),
        ("{}\n", "no key"),
        ("\ufeff\u2028{\n", "no JSON text"),
    ],
)
def test_json_lines_that_are_no_table(tmp_path, text, reason):
    (tmp_path / "t.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(Refused, match=reason):
        rows_of(tmp_path / "t.jsonl")


def test_parquet_columns_of_every_flat_kind(tmp_path):
    columns = {
        "text": ["a", None, "a"],
        "word": pa.array(["x", "y", "x"]).dictionary_encode(),
        "code": pa.array([5, 6, 5], pa.int16()).dictionary_encode(),
        "single": pa.array([0.1, None, float("nan")], pa.float32()),
        "whole": [1, None, -(2**62)],
        "truth": [True, False, None],
        "day": [dt.date(2026, 1, 2)] * 3,
        "nothing": pa.nulls(3),
    }
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    header, rows = rows_of(tmp_path / "t.parquet")
    assert header == tuple(columns)
    assert rows[0] == ("a", "x", "5", "0.10000000149011612", "1", "True", "2026-01-02", "")
    assert rows[1] == ("", "y", "6", "", "", "False", "2026-01-02", "")
    assert rows[2] == ("a", "x", "5", "nan", str(-(2**62)), "", "2026-01-02", "")


@pytest.mark.parametrize(
    "column",
    [
        [[1, 2]],
        [{"a": 1}],
        pa.array([[1.0, 2.0]], pa.list_(pa.float64(), 2)),
        [b"bytes"],
        pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8())),
    ],
)
def test_parquet_columns_that_are_nested_or_bytes_are_refused_by_name(tmp_path, column):
    parquet.write_table(pa.table({"id": [1], "odd": column}), tmp_path / "t.parquet")
    with pytest.raises(Refused, match="column odd"):
        rows_of(tmp_path / "t.parquet")
    parquet.write_table(pa.table({"label": [1], "odd": column}), tmp_path / "t.parquet")
    with pytest.raises(Unrecomputable, match="column odd"):
        recompute("accuracy", tmp_path / "t.parquet", None)


def test_parquet_that_declares_far_more_than_it_holds_is_refused(tmp_path):
    zeros = pa.table({"a": pa.array(np.zeros(5_000_001, np.int8))})
    parquet.write_table(zeros, tmp_path / "rows.parquet", compression="zstd")
    with pytest.raises(Refused, match="rows"):
        rows_of(tmp_path / "rows.parquet")
    wide = pa.table({str(place): pa.array(np.zeros(4_500_000)) for place in range(8)})
    parquet.write_table(wide, tmp_path / "bytes.parquet", compression="zstd", use_dictionary=False)
    with pytest.raises(Refused, match="times as many"):
        rows_of(tmp_path / "bytes.parquet")


def test_parquet_without_its_library_is_undecidable(tmp_path, monkeypatch):
    path = written(tmp_path, "parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UndecidableError, match="not installed") as error, open_table(path):
        pass
    assert "tables" in error.value.hint


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_parquet_is_refused_and_nothing_else(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    raw = bytearray(written(folder, "parquet").read_bytes())
    match data.draw(st.sampled_from(["cut", "flip", "fill"])):
        case "cut":
            raw = raw[: data.draw(st.integers(0, len(raw) - 1))]
        case "flip":
            for _ in range(data.draw(st.integers(1, 8))):
                raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        case "fill":
            start = data.draw(st.integers(0, len(raw) - 1))
            raw[start : start + 8] = b"\xff" * len(raw[start : start + 8])
    path = folder / "d.parquet"
    path.write_bytes(raw)
    with contextlib.suppress(Refused):
        rows_of(path)


def test_arrays_as_tables(tmp_path):
    np.save(tmp_path / "m.npy", np.arange(6.0).reshape(2, 3))
    assert rows_of(tmp_path / "m.npy") == (
        ("probability_0", "probability_1", "probability_2"), [("0.0", "1.0", "2.0"), ("3.0", "4.0", "5.0")],
    )  # fmt: skip
    given = np.full((4, 3), 0.25)
    given[range(4), [0, 1, 2, 0]] = 0.5
    np.savez(tmp_path / "p.npz", id=IDS, probabilities=given)
    np.savez(tmp_path / "y.npz", id=IDS[::-1], label=[1, 2, 1, 0])
    assert recompute("top1", tmp_path / "p.npz", tmp_path / "y.npz").value == 0.75
    np.save(tmp_path / "p.npy", given)
    np.save(tmp_path / "y.npy", np.array([0, 1, 2, 0]))
    assert recompute("top1", tmp_path / "p.npy", tmp_path / "y.npy").value == 1
    np.save(tmp_path / "s.npy", np.array([0.25, 0.75, 0.5, 0.125]))
    np.save(tmp_path / "b.npy", np.array([False, True, True, False]))
    assert recompute("roc_auc", tmp_path / "s.npy", tmp_path / "b.npy").value == 1


def test_a_long_matrix_is_cut_into_its_rows(tmp_path):
    matrix = np.arange(70_001 * 3).reshape(-1, 3)
    np.save(tmp_path / "m.npy", matrix)
    header, rows = rows_of(tmp_path / "m.npy")
    assert len(header) == 3
    assert [rows[0], rows[-1]] == [("0", "1", "2"), tuple(map(str, matrix[-1]))]
    assert len(rows) == len(matrix)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"a": np.zeros(3), "b": np.zeros(4)}, "different lengths"),
        ({"a": np.zeros((2, 2, 2))}, "two dimensions"),
        ({"a": np.float64(1)}, "two dimensions"),
        ({"a": np.zeros((2, 0))}, "two dimensions"),
        ({"a_0": np.zeros(2), "a": np.zeros((2, 2))}, "same name"),
        ({"a": np.asfortranarray(np.zeros((2, 2)))}, "row order"),
        ({}, "none|zip"),
    ],
)
def test_archives_that_are_no_table(tmp_path, arrays, reason):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(Refused, match=reason):
        rows_of(tmp_path / "t.npz")


def test_objects_in_arrays_are_never_loaded(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    with pytest.raises(Pickled):
        rows_of(tmp_path / "o.npy")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "npz"])
def test_what_is_no_regular_file_is_refused(tmp_path, suffix):
    (tmp_path / f"d.{suffix}").mkdir()
    (tmp_path / f"l.{suffix}").symlink_to(f"l.{suffix}")
    (tmp_path / f"e.{suffix}").touch()
    for name in "dle":
        with pytest.raises(Refused):
            rows_of(tmp_path / f"{name}.{suffix}")
