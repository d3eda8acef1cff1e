from __future__ import annotations

import subprocess
import sys

import pytest

from auditor.digest import EMPTY
from auditor.manifest.validate import violations

DIGEST = "sha256:" + "ab" * 32
RUN = {"schema": "auditor/run-manifest/v1", "run": {"id": "x", "status": "succeeded"}}
POLICY = {"schema": "auditor/policy/v1"}


def only(value, kind="run-manifest"):
    found = violations(value, kind)
    assert len(found) == 1, found
    assert found[0].fix
    return found[0]


def test_valid_documents_have_no_violations():
    assert violations(RUN, "run-manifest") == []
    assert violations(POLICY, "policy") == []


@pytest.mark.parametrize(
    "value", [None, [], "x", {}, {"schema": None}, {"schema": []}, {"schema": "auditor/run-manifest/v9"}]
)
def test_other_versions_and_other_things_get_one_clear_answer(value):
    violation = only(value)
    assert "auditor/run-manifest/v1" in violation.message + violation.fix


def test_a_policy_is_no_manifest():
    assert "this is a policy" in only(POLICY).message


@pytest.mark.parametrize(
    ("change", "pointer", "message", "fix"),
    [
        ({"dat": []}, "/dat", "`dat` is not known", "did you mean `data`"),
        ({"zzz": 1}, "/zzz", "`zzz` is not known", "`extensions`"),
        ({"run": {"id": "x"}}, "/run", "`status` is missing in /run", "succeeded"),
        ({"run": {"id": "x", "status": "success"}}, "/run/status", "none of succeeded, failed", "did you mean `succeeded`"),
        ({"environment": {"python": 3.1}}, "/environment/python", "number 3.1 stands where text", '"3.1"'),
        ({"code": {"entrypoint": "python a.py"}}, "/code/entrypoint", "where a list is expected", "one entry for each"),
        ({"metrics": [{"name": "a", "value": "0.5"}]}, "/metrics/0/value", 'text "0.5"', "without quotes"),
        ({"metrics": [{"name": "a", "value": None}]}, "/metrics/0/value", "null stands where a number", "leave the key out"),
        ({"data": [{"name": "a", "path": "../x"}]}, "/data/0/path", '"../x" is not a path', "data/train.csv"),
        ({"data": [{"name": "a", "size": -1}]}, "/data/0/size", "-1 is less than 0", "4551"),
        ({"data": [{"name": ""}]}, "/data/0/name", "empty", "train"),
        ({"data": [{"name": "a", "digest": EMPTY}]}, "/data/0", "no bytes at all", "add `size`"),
        ({"data": [{"name": "a", "digest": EMPTY, "size": 5}]}, "/data/0/size", "no bytes at all", "correct either"),
        (
            {"lineage": {"parents": [{"digest": EMPTY, "relation": "repeat-of"}]}},
            "/lineage/parents/0/digest",
            "no bytes",
            "sha",
        ),
        ({"unavailable": {"data": "x"}}, "/unavailable/data", 'the key "data" is not a JSON Pointer', "/data/0/digest"),
        ({"unavailable": {"/a": " "}}, "/unavailable/~1a", "is not a reason", "bucket"),
        ({"code": {"commit": "\x1b[31m" + "a" * 500}}, "/code/commit", "\\u001b[31maaa", "3f78"),
    ],
)
def test_a_defect_of_a_manifest_in_words(change, pointer, message, fix):
    violation = only(RUN | change)
    assert violation.pointer == pointer
    assert message in violation.message
    assert fix in violation.fix
    assert len(violation.message) < 400
    assert violation.message.isprintable()


@pytest.mark.parametrize(
    ("digest", "defect"),
    [
        ("sha256:" + "0" * 64, "made up"),
        ("sha256:" + "AB" * 32, "upper-case"),
        ("sha256:" + "ab" * 31, "62 digits"),
        ("sha256:" + "ab" * 33, "66 digits"),
        ("sha256:" + "xy" * 32, "no hex digits"),
        (DIGEST + "\n", "no hex digits"),
        ("md5:" + "ab" * 16, "other algorithms"),
        ("ab" * 32, "missing"),
        ("sha256:", "missing"),
        ("", "missing"),
        ("https://example.org/data", "address"),
    ],
)
def test_junk_digests_are_refused_and_told_apart(digest, defect):
    violation = only(RUN | {"data": [{"name": "a", "digest": digest}]})
    assert defect in violation.message
    assert "unavailable" in violation.fix


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"gate": {}}, "/gate", "not known"),
        ({"mode": "off"}, "/mode", "none of enforce, report-only"),
        ({"manifests": []}, "/manifests", "empty is not allowed"),
        ({"gates": {"merge": {"budget": "10 minutes"}}}, "/gates/merge/budget", "a whole number and a unit"),
        ({"gates": {"merge": {"budget": "10m\n"}}}, "/gates/merge/budget", "a whole number and a unit"),
        ({"gates": {"merge": {"require": {"metric": ["declared"]}}}}, "/gates/merge/require/metric", "metrics or weights"),
        ({"gates": {"merge": {"tiers": ["smoke", "smoke"]}}}, "/gates/merge/tiers", "given twice"),
        ({"tolerances": {"tensors": {"*": "aut"}}}, "/tolerances/tensors/*", "neither auto nor a pair"),
        ({"tolerances": {"tensors": {"*": {"absolut": 1}}}}, "/tolerances/tensors/*/absolut", "not known"),
        ({"tolerances": {"tensors": {"*": {"absolute": -1}}}}, "/tolerances/tensors/*/absolute", "less than 0"),
        ({"tolerances": {"metrics": {"*": {}}}}, "/tolerances/metrics/*", "no entry"),
        ({"severities": {"Data": "minor"}}, "/severities/Data", "is not a check id"),
    ],
)
def test_a_defect_of_a_policy_in_words(change, pointer, message):
    violation = only(POLICY | change, "policy")
    assert violation.pointer == pointer
    assert message in violation.message


def test_a_flood_of_defects_is_cut_short():
    found = violations(RUN | {"data": [{"size": -n} for n in range(1, 5000)]}, "run-manifest")
    assert len(found) == 51
    assert "more than 50" in found[-1].message


def test_what_is_refused_without_an_explanation_stays_refused(monkeypatch):
    monkeypatch.setattr("auditor.manifest.explain.explain", lambda *_: [])
    violation = only(RUN | {"dat": []})
    assert "dat" in violation.message


def test_only_a_refusal_imports_the_explainer():
    code = (
        "import sys\nfrom auditor.manifest.validate import violations\n"
        "violations({'schema': 'auditor/policy/v1'}, 'policy')\nassert 'jsonschema' not in sys.modules\n"
        "violations({'schema': 'auditor/policy/v1', 'x': 1}, 'policy')\nassert 'jsonschema' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
