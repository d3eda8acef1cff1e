"""Every sabotage is stopped by the right check."""

from __future__ import annotations

import pytest
from harness import cases, play

SABOTAGES = list(cases("sabotages"))
HONEST = list(cases("honest"))


@pytest.mark.parametrize("case", SABOTAGES, ids=lambda case: case.name)
def test_a_sabotage_is_caught_by_the_right_check(case, stable, tmp_path):
    played = play(case, stable, tmp_path)
    assert played.is_right, f"{case.sentence}\n{played.words}, not by {sorted(case.caught_by)}\n{played.answer}"


def test_the_gauntlet_is_as_long_as_it_claims():
    assert len(SABOTAGES) >= 40
    assert len(HONEST) >= 25
    assert len({case.project for case in SABOTAGES + HONEST}) >= 4
    assert all(case.sentence.endswith(".") for case in SABOTAGES + HONEST)
