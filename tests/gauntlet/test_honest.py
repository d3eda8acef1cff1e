"""No honest variation is stopped at all."""

from __future__ import annotations

import pytest
from harness import cases, play


@pytest.mark.parametrize("case", list(cases("honest")), ids=lambda case: case.name)
def test_an_honest_variation_is_not_blocked(case, stable, tmp_path):
    played = play(case, stable, tmp_path)
    assert played.is_right, f"{case.sentence}\n{played.words}\n{played.answer}"
