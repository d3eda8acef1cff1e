from __future__ import annotations

import json

import pytest

from auditor.errors import UnreadableError
from auditor.manifest.load import to_run
from auditor.manifest.reader import read
from auditor.manifest.validate import schema
from auditor.model.words import Tier

EXAMPLE = schema("run-manifest.v1.schema.json")["examples"][0]


def load(value):
    return to_run(read(json.dumps(value, indent=1).encode(), source="a.run.json"))


def test_a_manifest_becomes_a_run():
    run = load(EXAMPLE | {"reproductions": [{"name": "smoke", "tier": "smoke"}]})
    assert run.run.id == "20250301-093000-iris"
    assert run.data[0].size == 4551
    assert run.reproductions[0].tier is Tier.SMOKE
    assert run.why_unavailable("/data/0/digest") == "the bucket was deleted in 2023"


def test_whole_numbers_in_fraction_form_fit_both_schema_and_type():
    run = load(
        EXAMPLE
        | {
            "data": [{"name": "x", "size": 12.0}],
            "randomness": {"seeds": {"a": {"value": 7.0, "at": 3.0}}},
            "configuration": {"effective": {"lr": 1.0}},
        }
    )
    assert repr((run.data[0].size, run.randomness.seeds["a"].value, run.randomness.seeds["a"].at)) == "(12, 7, 3)"
    assert repr(run.configuration.effective) == "{'lr': 1.0}"


@pytest.mark.parametrize(
    ("change", "words", "line_of"),
    [
        ({"run": {"id": 3, "status": "succeeded"}}, "Expected `str`, got `int` at /run/id", '"id": 3'),
        ({"data": [{"name": "x"}, {"name": None}]}, "/data/1/name", '"name": null'),
        ({"run": {"id": "x"}}, "missing required field `status` at /run", '"run"'),
        ({"unknown": 1}, "unknown field `unknown`", "{"),
        ({"environment": {"packages": {"a.b": 1}}}, "/environment/packages", '"packages"'),
        ({"schema": "auditor/run-manifest/v2"}, "auditor/run-manifest/v1", '"schema"'),
        ({"schema": 1}, "auditor/run-manifest/v1", '"schema"'),
    ],
)
def test_what_cannot_become_a_run_is_refused_with_its_place(change, words, line_of):
    text = json.dumps(EXAMPLE | change, indent=1)
    with pytest.raises(UnreadableError) as caught:
        to_run(read(text.encode(), source="a.run.json"))
    assert words in caught.value.message
    assert line_of in text.splitlines()[caught.value.line - 1]
    assert caught.value.hint


@pytest.mark.parametrize("value", [None, [], 3, "x", {}, {"run": {"id": "x", "status": "failed"}}])
def test_other_documents(value):
    with pytest.raises(UnreadableError, match="without `schema`"):
        load(value)
