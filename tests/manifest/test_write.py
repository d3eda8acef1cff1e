from __future__ import annotations

import math
import os
import signal
import struct
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.manifest.limits import DEFAULT
from auditor.manifest.reader import read
from auditor.manifest.write import dump, write

MISREAD = [
    "no", "Yes", "on", "y", "N", "null", "~", "", "true", "1", "-1", "1.0", "1e-4", "1e5", "0123", "0x1F", "0o17", "1_0",
    "12:30", "12:30:45", ".inf", "nan", "<<", "=", "-", "- a", "?", "? a", ":", "a:", "a: b", "a #b", "#", "&a", "*a", "!a",
    "%a", "@a", "`a", "'", '"', "[", "]", "{}", "{a}", ",", "a,b", "|", ">", "---", "...", "--- a", " a", "a ", "a  b", "\t",
    "a\tb", "\n", "a\n", "\r\n", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufffe",
    "\uffff", "😀", "é", "\\", "\\n", "/", "~a", "2025-01-01", "2025-01-01T00:00:00Z", "1.2.3", "x" * 2000, "é" * 2000,
    "sha256:" + "0" * 64, "python train.py --lr=1e-4", "1234567e10", "9" * 40,
]  # fmt: skip

texts = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(MISREAD))
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=15,
)


def same(one, other):
    """Equal in value, type, order of keys and the bits of floats."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    return one == other


@given(st.dictionaries(texts, json_values, max_size=5))
@settings(max_examples=400, deadline=None)
@example({"a": [[], {}, [[1], {"b": []}], [[[2.0]]]], "b": {"x" * 2000: {"y": [1]}, "z": {"q" * 1500: 0}}})
@example({"a": [{"x" * 1500: 1, "b": 2}, {"c": {"d": -0.0}}, 5e-324, 1e22, 1.7976931348623157e308]})
@example({text: text for text in MISREAD})
def test_what_is_written_is_read_back_to_the_same_value(value):
    assert same(read(dump(value).encode(), source="a.yaml").value, value)


@pytest.mark.parametrize("text", MISREAD)
def test_what_would_be_misread_is_quoted(text):
    value = {"key": text, "list": [text, [text]], text: {text: [{text: text}]}}
    assert read(dump(value).encode(), source="a.yaml").value == value


def test_other_readers_of_yaml_read_the_same():
    yaml = pytest.importorskip("yaml")
    value = {text: [text, {"x": text}] for text in MISREAD if not text.startswith("2025")} | {"f": [1e-9, 1e22, 0.1]}
    assert yaml.safe_load(dump(value)) == value


def test_layout_is_calm():
    value = {
        "schema": "auditor/run-manifest/v1",
        "run": {"id": "a b", "size": 1},
        "data": [{"name": "x", "size": 1}],
        "e": [],
    }
    assert dump(value) == (
        "schema: auditor/run-manifest/v1\nrun:\n  id: a b\n  size: 1\ndata:\n  - name: x\n    size: 1\ne: []\n"
    )


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {None: 1},
        (1,),
        {1, 2},
        b"x",
        object(),
    ],
)
def test_what_has_no_form_is_not_written(value):
    with pytest.raises(ValueError, match=r"finite|lies beyond|surrogate|not text|no JSON type"):
        dump({"a": [value]})


def test_bounds_of_the_reader_hold_for_the_writer():
    nested = 1
    for _ in range(DEFAULT.depth - 1):
        nested = [nested]
    assert read(dump({"a": nested}).encode(), source="a.yaml").value == {"a": nested}
    with pytest.raises(ValueError, match="levels"):
        dump({"a": [nested]})
    with pytest.raises(ValueError, match="larger"):
        dump({"a": "x" * DEFAULT.size})


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "runs" / "a.run.yaml"
    write(path, "a: é\n")
    write(path, "b: 2\n")
    assert path.read_bytes() == b"b: 2\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["a.run.yaml"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_link_is_replaced_not_followed(tmp_path):
    (tmp_path / "outside").write_text("keep")
    (tmp_path / "a.yaml").symlink_to("outside")
    write(tmp_path / "a.yaml", "a: 1\n")
    assert (tmp_path / "outside").read_text() == "keep"
    assert not (tmp_path / "a.yaml").is_symlink()


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(*((os, "fsync") if broken == "fsync" else (type(path), "replace")), fail)
    with pytest.raises(KeyboardInterrupt):
        write(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "a.yaml").mkdir()
    with pytest.raises(IsADirectoryError):
        write(tmp_path / "a.yaml", "a: 1\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.yaml"]


def test_a_killed_writer_never_leaves_half_a_file(tmp_path):
    code = (
        "import sys; from pathlib import Path; from auditor.manifest.write import write\n"
        "print('go', flush=True)\n"
        "while True:\n  write(Path(sys.argv[1]), 'a' * 3_000_000 + 'z')\n"
    )
    path = tmp_path / "a.yaml"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while not path.exists():
            assert process.poll() is None
        for _ in range(20):
            content = path.read_bytes()
            assert (len(content), content[-1:]) == (3_000_001, b"z")
        process.send_signal(signal.SIGKILL)
    assert path.stat().st_size == 3_000_001
