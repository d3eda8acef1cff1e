from __future__ import annotations

import re

from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.report import Report, RunReport
from auditor.model.words import Agreement, Tier
from auditor.render.html import measured, render


def segment(number, rho, agreement):
    tolerance = Tolerance(absolute=1e-4)
    return Comparison(of=f"segment:{number}", agreement=agreement, actual=rho, tolerance=tolerance, detectable=1e-3)


SEGMENTS = [
    segment(0, 0.0, Agreement.BITWISE),
    segment(3, 1e-6, Agreement.WITHIN_TOLERANCE),
    segment(7, 0.5, Agreement.DIVERGED),
    Comparison(of="segment:9", agreement=Agreement.INCONCLUSIVE, note="missing"),
]


def places(drawn):
    return [float(place) for place in re.findall(r'cx="([0-9.]+)%"', drawn)]


def test_errors_stand_in_order_on_a_log_axis_between_their_gates():
    drawn = str(measured.errors(SEGMENTS))
    equal, close, far, unknown = places(drawn)
    gates = [float(place) for place in re.findall(r'class="actual" x1="([0-9.]+)%"', drawn)]
    assert equal < close < gates[0] < gates[1] < far <= unknown
    assert drawn.count("good") == 2
    assert drawn.count('"claim bad"') == 1


def test_the_page_shows_segments_and_factors_and_escapes_what_they_say():
    hostile = Comparison(of="factor:<b>", agreement=Agreement.DIVERGED, note="<script>")
    result = ReproductionResult(
        name="segment", tier=Tier.SEGMENT, agreement=Agreement.DIVERGED, comparisons=(*SEGMENTS, hostile)
    )
    run = RunReport(manifest="a", digest="sha256:" + "0" * 64, identity="canonical", id="a", reproductions=(result,))
    page = render(Report(version="0", runs=(run,)))
    assert "4 replayed segments" in page
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
