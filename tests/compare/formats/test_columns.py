"""Tables that pyarrow wrote, as tensors."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from auditor.compare.errors import Refused
from auditor.compare.tensors import open_tensors
from auditor.compare.tensors.text import MISSING, packed
from auditor.errors import UndecidableError

ROWS = 40_000


def drain(path):
    with open_tensors(path) as file:
        for name in file.tensors:
            list(file.blocks(name))


DTYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]


def numbers():
    rng = np.random.default_rng(0)
    return {dtype: (rng.normal(size=ROWS) * 9).astype(dtype) for dtype in DTYPES}


def write(path, columns, **options):
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    if path.suffix == ".parquet":
        pq.write_table(table, path, **options)
    else:
        pa.feather.write_feather(table, str(path), **options)
    return path


KINDS = [
    ("a.parquet", {"row_group_size": 7000}),
    ("a.parquet", {"compression": "zstd", "write_statistics": False}),
    ("a.feather", {"compression": "uncompressed"}),
    ("a.arrow", {"compression": "zstd", "chunksize": 9000}),
]


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_columns_of_numbers(tmp_path, look, name, options):
    path = write(tmp_path / name, numbers(), **options)
    for dtype, values in numbers().items():
        info = look.tensors(path)[dtype]
        assert (info.dtype, info.shape, info.exact) == (values.dtype.name, (ROWS,), False)
        assert np.array_equal(look.whole(path, dtype, 9_999), values)
    assert list(look.tensors(path)) == DTYPES
    changed = numbers()
    changed["f4"][12_345] += 1
    other = write(tmp_path / f"other-{name}", changed, **options)
    assert look.diverged(path, other) == {"f4"}
    assert "[12345]" in look.compared(path, other)["f4"].note


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_text_dates_and_missing_values(tmp_path, look, name, options):
    columns = {
        "word": pa.array(["a", None, "x" * 100, "", "a"]),
        "kind": pa.array(["cat", None, "dog", "cat", "cat"]).dictionary_encode(),
        "bytes": pa.array([b"a", b"\0", b"a\0", b"", b"b"]),
        "when": pa.array([dt.date(2024, 1, day) for day in range(1, 6)]),
        "then": pa.array([1, 2, None, 4, 5], pa.timestamp("us")),
        "price": pa.array([decimal.Decimal("1.10")] * 5),
        "n": pa.array([1, None, 2**53 + 1, 4, 5]),
        "f": pa.array([1.5, None, 2.5, 4, 5], pa.float16()),
        "b": pa.array([True, None, False, True, True]),
        "z": pa.array([None] * 5),
    }
    path = write(tmp_path / name, columns, **options)
    assert look.whole(path, "word").tolist() == [
        element.rstrip(b"\0") for element in (b"a", MISSING, packed(b"x" * 100), b"", b"a")
    ]
    assert look.whole(path, "kind").tolist() == [b"cat", MISSING.rstrip(b"\0"), b"dog", b"cat", b"cat"]
    assert len(set(look.whole(path, "bytes").tolist())) == 5
    assert look.whole(path, "when").tolist() == [19723, 19724, 19725, 19726, 19727]
    assert look.whole(path, "then").tolist() == [1, 2, 0, 4, 5]
    assert look.whole(path, "price").tolist() == [b"1.10"] * 5
    assert look.whole(path, "n").tolist() == [1, 0, 2**53 + 1, 4, 5]
    assert look.whole(path, "f").tolist() == [1.5, 0, 2.5, 4, 5]
    assert look.whole(path, "b").tolist() == [True, False, False, True, True]
    for column in ("word", "kind", "n", "f", "b"):
        assert look.whole(path, f"{column} (missing)").tolist() == [False, True, False, False, False]
    assert "bytes (missing)" not in look.tensors(path)
    with open_tensors(path) as file:
        assert dict(file.listed) == {"z": "a column of nothing"}
        assert file.tensors["when"].exact
    assert look.same(path, path)
    filled = dict(columns) | {"n": pa.array([1, 0, 2**53 + 1, 4, 5])}
    assert look.diverged(path, write(tmp_path / f"other-{name}", filled, **options)) == {"n (missing)"}


def test_long_words_are_never_spelled_out_row_by_row(tmp_path, look):
    words = pa.array(["x" * 1_000_000, "y"]).dictionary_encode()
    column = pa.DictionaryArray.from_arrays(pa.array(np.arange(20_000) % 2), words.dictionary)
    # In Parquet the column is one of plain strings; only Arrow's own schema would say that it was a dictionary.
    for name, options in [("a.parquet", {"store_schema": False}), ("a.arrow", {})]:
        path = write(tmp_path / name, {"w": column}, **options)
        allowed = pa.default_memory_pool().max_memory() + (1 << 27)
        assert len(set(look.whole(path, "w", 10_000).tolist())) == 2
        assert pa.default_memory_pool().max_memory() < allowed


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_nested_types_cannot_be_compared(tmp_path, suffix):
    for values in ([[1], [2]], [{"a": 1}]):
        path = write(tmp_path / f"a.{suffix}", {"good": pa.array(range(len(values))), "w": pa.array(values)})
        with pytest.raises(UndecidableError, match="'w' has a nested type"):
            open_tensors(path)


def test_names_that_collide(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(Refused, match="twice"):
        open_tensors(write(tmp_path / "a.parquet", table))
    table = {"a": pa.array([1, None]), "a (missing)": pa.array([1, 2])}
    with pytest.raises(Refused, match="two columns"):
        open_tensors(write(tmp_path / "a.parquet", table))


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_truncated_and_damaged_tables(tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", {"a": pa.array(np.arange(300.0)), "w": pa.array(["x"] * 300)})
    content = path.read_bytes()
    for length in range(6, len(content) - 1, 37):
        path.write_bytes(content[:length])
        with pytest.raises(Refused):
            drain(path)


def test_a_footer_of_two_gigabytes(tmp_path):
    path = write(tmp_path / "a.parquet", {"a": [1]})
    path.write_bytes(path.read_bytes()[:-8] + (2**31 - 1).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(Refused, match="footer of 2147483647"):
        open_tensors(path)


def test_an_empty_table(tmp_path, look):
    path = write(tmp_path / "a.parquet", {"a": pa.array([], pa.float32())})
    assert look.tensors(path)["a"].shape == (0,)


def test_a_column_that_may_miss_nothing(tmp_path, look):
    schema = pa.schema([pa.field("a", pa.float32(), nullable=False)])
    path = write(tmp_path / "a.parquet", pa.table({"a": pa.array([1, 2], pa.float32())}, schema=schema))
    assert look.whole(path, "a").tolist() == [1, 2]


def test_offsets_of_text_that_lead_out_of_its_buffer(tmp_path):
    path = write(tmp_path / "a.arrow", {"w": pa.array(["ab", "cd"])}, compression="uncompressed")
    content = path.read_bytes()
    offsets = np.array([0, 2, 4], "<i4").tobytes()
    assert content.count(offsets) == 1
    path.write_bytes(content.replace(offsets, np.array([0, 2, 1 << 30], "<i4").tobytes()))
    with pytest.raises(Refused, match="damaged"):
        drain(path)
