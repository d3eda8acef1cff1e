from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.globs import matches


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("train.py", ["train.py"], ["src/train.py", "train.pyc", "trainXpy"]),
        ("*.py", ["train.py", ".py"], ["src/train.py"]),
        ("**/*.py", ["train.py", "src/train.py", "a/b/c.py"], ["train.pyc"]),
        ("conf/**", ["conf/a", "conf/a/b", "conf/.hidden"], ["conf", "config/a", "x/conf/a"]),
        ("runs/**/*.run.yaml", ["runs/a.run.yaml", "runs/2026/01/a.run.yaml"], ["runs/a.yaml", "old/runs/a.run.yaml"]),
        ("**", ["a", "a/b"], [""]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["ab", "a/xb"]),
        ("**/**/b", ["b", "a/b", "x/y/b"], ["bb"]),
        ("data/?.csv", ["data/1.csv"], ["data/12.csv", "data/.csv", "data//.csv"]),
        ("[ab].py", ["a.py", "b.py"], ["c.py", "ab.py"]),
        ("[!ab].py", ["c.py"], ["a.py", "/.py"]),
        ("[a-c]", ["b"], ["d", "-"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[^a]", ["^", "a"], ["b"]),
        ("[z-a]", ["[z-a]"], ["z", "m"]),
        ("[a", ["[a"], ["a"]),
        ("[--a]", ["-", "a", "A"], ["b"]),
        ("[&&||~~]", ["&", "|", "~"], ["a"]),
        ("/conf/x/", ["conf/x"], ["conf/xy"]),
        ("a+b(c).py", ["a+b(c).py"], ["aab.py"]),
        ("**.py", ["a.py"], ["x/a.py"]),
        ("line*", ["line\nbreak"], []),
    ],
)
def test_pattern(pattern, yes, no):
    assert [path for path in yes if not matches(path, [pattern])] == []
    assert [path for path in no if matches(path, [pattern])] == []


def test_one_of_several_is_enough_and_none_matches_nothing():
    assert matches("b", ["a", "b"])
    assert not matches("b", [])


@given(st.text(), st.text(alphabet="ab/*?[]!-^\\.&|~", max_size=12))
def test_no_pattern_breaks(path, pattern):
    assert matches(path, [pattern]) in {True, False}


@given(st.lists(st.text(alphabet="abc.-_ é\n", min_size=1), min_size=1, max_size=4).map("/".join))
def test_path_without_signs_matches_itself_alone(path):
    assert matches(path, [path])
    assert matches(path, ["**"])
    assert not matches(path + "x", [path])
    assert matches(path, ["**/" + re.sub(r".*/", "", path, flags=re.DOTALL)])
