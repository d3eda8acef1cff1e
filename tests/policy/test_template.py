"""The policy that a new repository gets says, in words, what judges without it."""

from __future__ import annotations

from pathlib import Path

import auditor.policy
from auditor.model.policy import Policy
from auditor.policy.load import load

TEMPLATE = Path(auditor.policy.__file__).with_name("template.yaml")


def test_the_template_means_the_built_in_policy():
    assert load(TEMPLATE.read_bytes(), source="auditor.yaml").policy == Policy()


def test_every_key_of_a_policy_is_in_the_template():
    written = load(TEMPLATE.read_bytes(), source="auditor.yaml").document.value
    assert list(written) == list(Policy.__struct_fields__)
    assert set(written["gates"]["merge"]) >= {
        "checklist",
        "block-at",
        "tiers",
        "budget",
        "isolation",
        "require",
        "on-nothing",
    }


def test_every_top_level_key_is_explained_on_its_line():
    lines = TEMPLATE.read_text(encoding="utf-8").splitlines()
    keys = [line for line in lines if line and line[0].isalpha()]
    assert [line for line in keys if "#" not in line and not line.startswith(("gates:", "trust:"))] == []
    assert max(map(len, lines)) <= 125
