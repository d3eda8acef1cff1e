"""Curves in the page: drawn over one another, in pieces where there is no figure, and never with markup of their own."""

from __future__ import annotations

import re

import msgspec
import pytest
from reports import FULL

from auditor.model.comparison import Comparison, Curve
from auditor.model.words import Agreement
from auditor.render.html import render
from auditor.render.html.traces import overlay, overlays


def compared(expected, actual, allowed=0.1, *, of="trace:t.csv#loss", **changes):
    steps = tuple(range(0, 10 * len(expected), 10))
    curve = Curve(steps=steps, expected=tuple(expected), actual=tuple(actual), allowed=(allowed,) * len(steps))
    return Comparison(of=of, agreement=Agreement.DIVERGED, curve=curve, **changes)


def points(markup, name):
    return [
        [tuple(map(float, place.split(","))) for place in found.split()]
        for found in re.findall(f'<polyline class="{name}" points="([^"]*)"', markup)
    ]


def drawn(*sides, **changes):
    (shown,) = overlays([compared(*sides, **changes)])
    return overlay(shown)


def test_both_curves_run_from_left_to_right_and_higher_is_up():
    markup = drawn([1.0, 2.0, 3.0], [1.0, 2.0, 2.0])
    (recorded,), (repeated,) = points(markup, "recorded"), points(markup, "repeated")
    assert [x for x, _ in recorded] == [x for x, _ in repeated] == [8.0, 360.0, 712.0]
    assert [y for _, y in recorded] == [172.0, 90.0, 8.0]
    assert [y for _, y in repeated] == [172.0, 90.0, 90.0]


def test_a_curve_over_decades_has_a_logarithmic_axis():
    (shown,) = overlays([compared([1.0, 0.1, 0.01], [1.0, 0.1, 0.01])])
    assert shown.logarithmic
    assert [y for _, y in points(overlay(shown), "recorded")[0]] == [8.0, 90.0, 172.0]
    assert not overlays([compared([1.0, 0.0, 0.01], [1.0, 0.1, 0.01])])[0].logarithmic


def test_nothing_is_drawn_where_there_is_no_figure():
    markup = drawn([1.0, 2.0, None, 3.0, 4.0], [1.0, None, 2.0, None, 3.0])
    assert [len(piece) for piece in points(markup, "recorded")] == [2, 2]
    assert points(markup, "repeated") == []
    assert markup.count('<circle class="repeated"') == 3


@pytest.mark.parametrize(("excess", "marked"), [(None, True), (5.0, True), (1.0, False), (0.5, False)])
def test_the_worst_step_is_marked_where_it_is_beyond_what_is_allowed(excess, marked):
    markup = drawn([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], excess=excess, worst="step 20")
    assert ('<circle class="worst" cx="712.0" cy="90.0"' in markup) is marked


@pytest.mark.parametrize(
    "sides", [([1.0], [1.0]), ([None, None], [None, 1.0]), ([float("nan"), 1.0], [None, None])], ids=["step", "none", "nan"]
)
def test_too_little_to_draw(sides):
    assert overlays([compared(*sides)]) == []


def test_the_page_shows_them_with_words_and_escapes_their_names():
    evil = "trace:t.csv#</p><script>alert(1)</script>"
    (audited, *_) = FULL.runs
    (reproduction, *_) = audited.reproductions
    many = [compared([1.0, 2.0], [1.0, 2.0], of=f"trace:t.csv#curve-{number}") for number in range(30)]
    shown = msgspec.structs.replace(reproduction, comparisons=(compared([1.0, 2.0], [1.0, 3.0], of=evil), *many))
    page = render(msgspec.structs.replace(FULL, runs=(msgspec.structs.replace(audited, reproductions=(shown,)),)))
    assert page.count('<svg class="trace"') == 24
    assert "and 7 more" in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "steps 0 to 10, from 1 to 3" in page
