"""Text of a run is shown as what it is and does nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.render.text import disarmed, plain, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve Σ 試験 😀", "naïve Σ 試験 😀"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x9b", r"\x9b"),
        ("\x7f\0", r"\x7f\x00"),
        ("\u202eabc", r"\u202eabc"),
        ("\u2028", r"\u2028"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("a\xa0b", "a b"),
        ("##[error]x", r"##\[error]x"),
        ("a::b", "a::b"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_what_is_seen(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_acts_gets_through(text):
    assert all(unicodedata.category(sign)[0] not in "CZ" or sign == " " for sign in visible(text))
    visible(text).encode()


def test_very_long_text_says_how_much_is_missing():
    assert visible("x" * 5000).endswith("… (3000 more characters)")
    assert "more characters" not in visible("x" * 2000)


@given(st.text())
def test_plain_text_is_utf8_and_otherwise_untouched(text):
    plain(text).encode()
    if not any("\ud800" <= sign <= "\udfff" for sign in text):
        assert plain(text) == text


@pytest.mark.parametrize("line", ["::error::x", "   ::error::x"])
def test_a_line_cannot_command_a_workflow(line):
    assert disarmed(line) == line.replace("::error", r"\::error")
    assert disarmed("tests/a.py::b") == "tests/a.py::b"
