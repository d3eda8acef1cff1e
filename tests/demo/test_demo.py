from __future__ import annotations

import re

from auditor.demo.sabotage import ACTS


def test_the_story_comes_out_as_it_must(auditor):
    told = auditor("demo").expect(0).stdout
    assert "6 of 6 sabotages blocked by the right check, the honest run let through" in told
    assert re.findall(r"^\d (.+?):", told, re.MULTILINE) == [act.title for act in ACTS]
    assert told.count("blocked (exit 1) by") == len(ACTS)
    assert "bitwise" in told


def test_each_act_has_a_check_of_its_own_or_says_how_it_differs():
    assert len({(act.caught_by, act.deed) for act in ACTS}) == len(ACTS)
