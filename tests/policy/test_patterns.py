"""What is said about two patterns holds for every name."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.compare.tolerance import metric_tolerance
from auditor.globs import matches
from auditor.model.policy import Pair, Tolerances
from auditor.policy.patterns import covers, covers_path, more_specific, overlap

NAMES = st.text("ab_[]!", max_size=6)
PATTERNS = st.lists(st.sampled_from(["*", "?", "a", "b", "_", "[ab]", "[!a]", "[", "]"]), max_size=5).map("".join)
SEGMENTS = st.lists(st.sampled_from(["*", "?", "a", "b", "."]), min_size=1, max_size=3).map("".join)
PATHS = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
PATH_PATTERNS = st.lists(st.just("**") | SEGMENTS, min_size=1, max_size=4).map("/".join)


@given(wide=PATTERNS, narrow=PATTERNS, name=NAMES)
def test_a_covered_pattern_matches_nothing_that_the_wide_one_does_not(wide, narrow, name):
    if covers(wide, narrow) and fnmatchcase(name, narrow):
        assert fnmatchcase(name, wide)


@given(wide=PATH_PATTERNS, narrow=PATH_PATTERNS, path=PATHS)
def test_a_covered_path_pattern_matches_nothing_that_the_wide_one_does_not(wide, narrow, path):
    if covers_path(wide, narrow) and matches(path, [narrow]):
        assert matches(path, [wide])


@given(one=PATTERNS, other=PATTERNS, name=NAMES)
def test_two_patterns_that_match_one_name_overlap(one, other, name):
    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert overlap(one, other)


@given(one=PATTERNS, other=PATTERNS, name=NAMES)
@example(one="a*", other="*a", name="aa")
@example(one="*", other="?", name="a")
@example(one="a", other="a*", name="a")
@example(one="[ab]b", other="a*", name="ab")
def test_the_more_specific_pattern_is_the_one_that_decides(one, other, name):
    if one == other or re.search(r"[*?\[]", name) or not (fnmatchcase(name, one) and fnmatchcase(name, other)):
        return
    table = Tolerances(metrics={one: Pair(absolute=1), other: Pair(absolute=2)})
    assert more_specific(one, other) == (metric_tolerance(table, name).absolute == 1)
    assert more_specific(one, other) != more_specific(other, one)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("*", "loss", True),
        ("*", "*loss", True),
        ("*loss", "*", False),
        ("val_*", "val_*_top?", True),
        ("?", "*", False),
        ("a?", "a[bc]", False),
        ("a*", "a[bc]", True),
        ("a[bc]", "a[bc]", True),
    ],
)
def test_names_cover_each_other_as_expected(wide, narrow, expected):
    assert covers(wide, narrow) is expected


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("**", "**/*.py", True),
        ("**/*.py", "src/**/*.py", True),
        ("src/**/*.py", "**/*.py", False),
        ("conf/**", "conf/*.yaml", True),
        ("conf/**", "conf/**/*.yaml", True),
        ("conf/*", "conf/**", False),
        ("conf/**", "conf", False),
        ("runs/**/*.run.yaml", "runs/*.run.yaml", True),
        ("*.py", "src/*.py", False),
    ],
)
def test_paths_cover_each_other_as_expected(wide, narrow, expected):
    assert covers_path(wide, narrow) is expected


def test_patterns_without_a_common_name_do_not_overlap():
    assert not overlap("val_*", "test_*")
    assert not overlap("a?", "a")
    assert overlap("*_loss", "val_*")
