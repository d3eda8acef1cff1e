from __future__ import annotations

import json
import re
import types
import typing

import jsonschema
import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.digest import EMPTY
from auditor.manifest import document
from auditor.manifest.load import to_run
from auditor.manifest.reader import read
from auditor.manifest.validate import SCHEMAS, schema, violations
from auditor.manifest.write import dump
from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.finding import Finding, Result
from auditor.model.policy import Policy
from auditor.model.report import Established, PolicyUsed, RunReport
from auditor.model.run import Run
from auditor.model.words import Agreement, EvidenceLevel, Exit, Isolation, Outcome, Severity, Tier, Verdict
from auditor.reproduce.bundle.nouns import Bundle
from auditor.resources import folder

NAMES = [name for versions in SCHEMAS.values() for name in versions.values()]
KINDS = ("run-manifest", "policy", "report", "band", "evidence")
MANIFEST, POLICY, REPORT, BAND, EVIDENCE = (schema(f"{kind}.v1.schema.json") for kind in KINDS)
DIGEST = "sha256:" + "ab" * 32
COMMIT = "ab" * 20


def subschemas(rule, pointer=""):
    """Every subschema that describes a value, with its place."""
    yield pointer, rule
    for key in ("properties", "$defs"):
        for name, child in rule.get(key, {}).items():
            yield from subschemas(child, f"{pointer}/{key}/{name}")
    for key in ("items", "additionalProperties", "propertyNames", "then"):
        if isinstance(rule.get(key), dict):
            yield from subschemas(rule[key], f"{pointer}/{key}")
    for number, child in enumerate(rule.get("anyOf", [])):
        yield from subschemas(child, f"{pointer}/anyOf/{number}")


def agree(root, value):
    """The verdict of both validators, which must be one."""
    slow = jsonschema.Draft202012Validator(root).is_valid(value)
    fast = jsonschema_rs.Draft202012Validator(root).is_valid(value)
    assert slow == fast, value
    return fast


@pytest.mark.parametrize("name", NAMES)
class TestEverySchema:
    def test_is_a_schema(self, name):
        jsonschema.Draft202012Validator.check_schema(schema(name))
        assert schema(name)["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def test_has_no_format(self, name):
        for _, rule in subschemas(schema(name)):
            assert "format" not in rule

    def test_describes_every_field_with_an_example(self, name):
        for pointer, rule in subschemas(schema(name)):
            if "/then/" in pointer or not re.search(r"/properties/[^/]+$", pointer):
                continue
            assert rule["description"].endswith("."), pointer
            assert "examples" in rule, pointer

    def test_examples_are_valid(self, name):
        root = schema(name)
        for pointer, rule in subschemas(root):
            for example in rule.get("examples", []):
                part = {**rule, "$defs": root["$defs"]}
                assert agree(part, example), (pointer, example)
        kind = next(kind for kind, versions in SCHEMAS.items() if name in versions.values())
        for example in root["examples"]:
            assert violations(example, kind) == []

    def test_closes_every_object_that_has_fields(self, name):
        for pointer, rule in subschemas(schema(name)):
            if "properties" in rule and not pointer.endswith("/then"):
                assert rule["additionalProperties"] is False, pointer

    def test_patterns_say_in_words_what_they_want(self, name):
        for pointer, rule in subschemas(schema(name)):
            if "pattern" in rule:
                assert "title" in rule, pointer

    def test_patterns_end_where_the_text_ends(self, name):
        for pointer, rule in subschemas(schema(name)):
            if "pattern" in rule and rule["title"] != "a reason in words":
                assert rule["pattern"].startswith("^"), pointer
                for example in [e for e in rule["examples"] if isinstance(e, str)]:
                    part = {**rule, "$defs": schema(name)["$defs"]}
                    accepts_line_feed = agree(part, example + "\n")
                    assert not accepts_line_feed or "x00]" in rule["pattern"] or "JSON Pointer" in rule["title"], pointer


# --- the types and the schemas say the same --------------------------------------------------------------------------


def struct_in(annotation):
    """The struct inside of an annotation such as ``tuple[Stage, ...] | None``, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return annotation
    for part in typing.get_args(annotation):
        if (found := struct_in(part)) is not None:
            return found
    return None


def resolve(rule, root):
    while "$ref" in rule:
        rule = root["$defs"][rule["$ref"].rpartition("/")[2]]
    for branch in rule.get("anyOf", []):
        if "$ref" in branch:
            return resolve(branch, root)
    if rule.get("type") == "array":
        return resolve(rule["items"], root)
    if isinstance(rule.get("additionalProperties"), dict):
        return resolve(rule["additionalProperties"], root)
    return rule


def mirror(struct, rule, root, pointer=""):
    """Asserts that struct and schema have the same fields, obligatory and optional, all the way down."""
    hints = typing.get_type_hints(struct)
    described = msgspec.structs.fields(struct)
    assert {field.encode_name for field in described} == set(rule["properties"]), pointer
    obligatory = {field.encode_name for field in described if field.required}
    assert obligatory <= set(rule.get("required", [])), pointer
    assert set(rule.get("required", [])) - obligatory <= {"schema"}, pointer
    for field in described:
        inner = struct_in(hints[field.name])
        target = resolve(rule["properties"][field.encode_name], root)
        if inner is not None:
            mirror(inner, target, root, f"{pointer}/{field.encode_name}")
        else:
            assert "properties" not in target, f"{pointer}/{field.encode_name}"
            accepts_null = types.NoneType in typing.get_args(hints[field.name]) or hints[field.name] is object
            assert accepts_null or "null" not in target.get("type", []), f"{pointer}/{field.encode_name}"


def test_the_manifest_mirrors_the_run():
    mirror(Run, MANIFEST, MANIFEST)


def test_the_evidence_mirrors_its_bundle():
    mirror(Bundle, EVIDENCE, EVIDENCE)


def test_the_policy_mirrors_its_type():
    mirror(Policy, POLICY, POLICY)


@pytest.mark.parametrize(
    ("struct", "rule"),
    [
        (Finding, REPORT["$defs"]["finding"]),
        (Result, REPORT["$defs"]["result"]),
        (Comparison, REPORT["$defs"]["comparison"]),
        (ReproductionResult, REPORT["$defs"]["reproduction"]),
        (RunReport, REPORT["$defs"]["run"]),
        (Established, REPORT["$defs"]["run"]["properties"]["claims"]["items"]),
        (PolicyUsed, REPORT["properties"]["policies"]["items"]),
    ],
)
def test_the_report_has_the_fields_of_its_types(struct, rule):
    told = {"reach"} if struct is ReproductionResult else set()  # what a tier can show is no field: it follows from the tier
    assert {field.encode_name for field in msgspec.structs.fields(struct)} | told == set(rule["properties"])
    optional = {"claims", *told, "curve", "environment", "first", "note", "worst"}
    assert set(rule["required"]) | optional >= set(rule["properties"])


def test_vocabularies_are_the_ones_of_the_model():
    gate = POLICY["$defs"]["gate"]["properties"]
    result = REPORT["$defs"]["result"]["properties"]
    reproduction = MANIFEST["properties"]["reproductions"]["items"]["properties"]
    comparison = REPORT["$defs"]["comparison"]["properties"]
    for words, enum in [
        (Severity, gate["block-at"]["enum"]),
        (Severity, POLICY["properties"]["severities"]["additionalProperties"]["enum"]),
        (Severity, result["severity"]["enum"]),
        (Tier, gate["tiers"]["items"]["enum"]),
        (Tier, reproduction["tier"]["enum"]),
        (Tier, REPORT["$defs"]["reproduction"]["properties"]["tier"]["enum"]),
        (Isolation, gate["isolation"]["items"]["enum"]),
        (EvidenceLevel, gate["require"]["additionalProperties"]["items"]["enum"]),
        (EvidenceLevel, result["evidence"]["enum"]),
        (Outcome, result["outcome"]["enum"]),
        (Outcome, list(REPORT["properties"]["counts"]["properties"])),
        (Outcome, REPORT["properties"]["counts"]["required"]),
        (Agreement, comparison["agreement"]["enum"]),
        (Agreement, REPORT["$defs"]["reproduction"]["properties"]["agreement"]["enum"]),
        (Verdict, [word for word in REPORT["properties"]["verdict"]["enum"] if word is not None]),
        (Exit, REPORT["properties"]["exit"]["enum"]),
    ]:
        assert set(words) == set(enum)
        assert len(words) == len(enum)


def test_the_default_policy_written_out_is_valid_and_means_the_same():
    written = msgspec.to_builtins(Policy())
    assert violations(written, "policy") == []
    assert msgspec.convert(written, Policy) == Policy()


# --- what the contract says ------------------------------------------------------------------------------------------

CONTRACT_POLICY = """\
schema: auditor/policy/v1
mode: enforce
manifests: ["runs/**/*.run.yaml", "runs/**/*.run.json"]
covers: ["**/*.py", "conf/**", "data/**"]
references: []
stores: {}
checks: []
gates:
  merge:   {checklist: standard, block-at: major, tiers: [digests, recompute, smoke], budget: 10m, isolation: [bwrap, container], require: {metrics: [consistent]}, on-nothing: open}
  deploy:  {checklist: standard, block-at: major, tiers: [digests, recompute], approvals: 1, max-verdict-age: 30d, require: {metrics: [recomputed, re-executed], weights: [consistent]}}
  history: {checklist: standard, block-at: blocker, budget: 30m, sample: risk}
tolerances:
  metrics: {"*": {absolute: 1.0e-9, relative: 1.0e-6}}
  tensors: {"*": auto}                          # auto
  ignore: ["*_seconds", "*_time", "*throughput*", "*memory*"]
executors: {unknown-pair: default-table}
severities: {}
waivers: []
ledger: null
trust: {owners: [], approvers: [], judges: [], identities: {}}
"""  # noqa: E501  # as it stands in the contract


def test_the_policy_of_the_contract_is_the_built_in_one():
    value = read(CONTRACT_POLICY.encode(), source="auditor.yaml").value
    assert violations(value, "policy") == []
    assert msgspec.convert(value, Policy) == Policy()


CONTRACT_REPORT = {
    "schema": "auditor/report/v1",
    "tool": {"version": "0.1.0"},
    "gate": "merge",
    "verdict": "open",
    "exit": 0,
    "advisory": False,
    "head": COMMIT,
    "base": COMMIT,
    "policies": [{"role": "base", "digest": DIGEST, "ref": "main", "verdict": "open"}],
    "counts": {"passed": 40, "failed": 0, "inconclusive": 1, "not-applicable": 4, "crashed": 0},
    "results": [],
    "runs": [
        {
            "manifest": "runs/a.run.yaml",
            "digest": DIGEST,
            "identity": "canonical",
            "id": "a",
            "results": [
                {
                    "check": "data/undigested-dataset",
                    "outcome": "failed",
                    "severity": "blocker",
                    "evidence": "recomputed",
                    "waived": False,
                    "reason": None,
                    "findings": [
                        {"message": "m", "pointer": "/data/0/digest", "file": "runs/a.run.yaml", "line": 12, "fix": "f"}
                    ],
                }
            ],
            "reproductions": [
                {
                    "name": "smoke",
                    "tier": "smoke",
                    "agreement": "bitwise",
                    "isolation": "bwrap",
                    "executor": "x",
                    "calibrated": False,
                    "seconds": 1.2,
                    "comparisons": [
                        {
                            "of": "metric:accuracy",
                            "expected": 0.97,
                            "actual": 0.97,
                            "agreement": "bitwise",
                            "tolerance": {},
                            "excess": 0.0,
                            "detectable": 0.001,
                        }
                    ],
                }
            ],
        }
    ],
}


def test_the_report_of_the_contract_is_valid():
    assert violations(CONTRACT_REPORT, "report") == []
    assert violations(CONTRACT_REPORT | {"gate": None, "verdict": None, "head": None, "base": None}, "report") == []


@pytest.mark.parametrize("key", list(CONTRACT_REPORT))
def test_the_report_leaves_nothing_out(key):
    assert violations({k: v for k, v in CONTRACT_REPORT.items() if k != key}, "report")


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_counted(outcome):
    counts = {k: v for k, v in CONTRACT_REPORT["counts"].items() if k != outcome}
    assert violations(CONTRACT_REPORT | {"counts": counts}, "report")


def test_a_report_without_a_gate_has_no_verdict_and_bytes_have_no_id():
    assert violations(CONTRACT_REPORT | {"gate": None}, "report")
    unread = {"manifest": "a", "digest": DIGEST, "identity": "bytes", "id": None, "results": [], "reproductions": []}
    assert violations(CONTRACT_REPORT | {"runs": [unread]}, "report") == []
    assert violations(CONTRACT_REPORT | {"runs": [unread | {"id": "x"}]}, "report")


# --- good and bad values: one verdict, the expected one --------------------------------------------------------------

RUN = {"schema": "auditor/run-manifest/v1", "run": {"id": "x", "status": "succeeded"}}


def data(**fields):
    return RUN | {"data": [{"name": "d"} | fields]}


def seed(**fields):
    return RUN | {"randomness": {"seeds": {"s": {"value": 1, "at": 0} | fields}}}


def expected(**fields):
    return RUN | {"reproductions": [{"name": "s", "expect": {"artifacts": [{"path": "a"} | fields]}}]}


GOOD = [
    RUN,
    data(digest=DIGEST),
    data(digest=EMPTY, size=0),
    data(digest=EMPTY, size=0.0),
    data(size=12.0),
    *[data(path=path) for path in (
        "a", "a/b.csv", "./a", "a b", "a\nb", "a\n", "..\n", "..a", "a..", "a/..b/c", "...", "é", "a\\b", "-", "ab:c",
        ".", "a//b", "~", "a" * 4096,
    )],
    *[data(uri=uri) for uri in ("s3://b/k", "https://x/y?z#w", "file:///a", "urn:x:y", "hf://datasets/a@b")],
    *[data(mount=mount) for mount in ("/mnt/a", "../a", "C:\\a", "a\n")],
    *[seed(at=at) for at in ("/seed", "/a~0b/~1c", "/", "//", "PYTHONHASHSEED", "_x", 0, 3, 3.0)],
    *[seed(value=value) for value in (0, -1, "18446744073709551615", 7.0)],
    *[RUN | {"run": {"id": "x", "status": "failed", "started": time}} for time in (
        "2025-03-01T09:30:00Z", "2025-03-01T09:30:00.123456Z", "2025-03-01T09:30:00+00:00", "2016-12-31T23:59:60Z",
    )],
    *[RUN | {"run": {"id": identity, "status": "interrupted"}} for identity in ("a", "20250301-093000-a b", "é" * 255, ".")],
    RUN | {"code": {"commit": COMMIT, "tree": "0" * 39 + "1"}},
    RUN | {"code": {"commit": "ab" * 32}},
    RUN | {"unavailable": {"/data/0/digest": "lost", "/a~1b": "x", "/": "x"}},
    RUN | {"extensions": {"anything": [None, {"goes": 1}]}},
    RUN | {"configuration": {"effective": {"a": None}, "origins": {"/a": {"source": "x", "shadows": [None, 1]}}}},
    RUN | {"metrics": [{"name": "a", "parameters": {"positive": None, "k": 1}}, {"name": "b", "value": -1e300}]},
    RUN | {"observed": {"reads": [{"path": "pkg/__init__.py", "digest": EMPTY}], "ignored": ["/usr"]}},
    expected(role="log", digest=EMPTY),
    expected(digest=EMPTY),
    expected(role="weights", digest=DIGEST),
]  # fmt: skip
BAD = [
    None, [], 1, "x", True,
    {"schema": RUN["schema"]},
    RUN | {"run": {"id": "x"}},
    RUN | {"run": {"status": "succeeded"}},
    RUN | {"x": 1},
    RUN | {"code": None},
    *[data(digest=digest) for digest in (
        EMPTY, "sha256:" + "0" * 64, DIGEST + "\n", DIGEST + " ", " " + DIGEST, DIGEST.upper(), DIGEST[:-1], DIGEST + "a",
        "ab" * 32, "md5:" + "ab" * 16, "https://x", "", None, 5, "sha256:" + "٠" * 64,
    )],
    data(digest=EMPTY, size=1),
    data(size=-1), data(size=1.5), data(size=True), data(size="1"), data(size=None),
    *[data(path=path) for path in (
        "", "/a", "//a", "..", "../a", "a/..", "a/../b", "a//../b", "C:a", "a:b/c", "C:/a", "c:\\a", "a\0", "a\0\n", "\0",
        "a" * 4097, "/\n",
    )],
    *[data(uri=uri) for uri in ("", "a", "a/b", "s3:", "s3://a b", "s3://a\n", "1s3://a", "\ns3://a", "s3://a\0")],
    *[data(mount=mount) for mount in ("", "a\0b", "\0")],
    *[seed(at=at) for at in ("", "a b", "3", "seed\n", "PYTHON-SEED", "/~2", "/a~", "/~\n", -1, 1.5, True, None)],
    *[seed(value=value) for value in (None, 1.5, "", True, [1])],
    RUN | {"randomness": {"seeds": {"s": {"value": 1}}}},
    *[RUN | {"run": {"id": "x", "status": "failed", "started": time}} for time in (
        "2025-03-01", "2025-03-01 09:30:00Z", "2025-03-01T09:30:00", "2025-03-01T09:30:00+01:00", "2025-13-01T09:30:00Z",
        "2025-03-01T24:30:00Z", "2025-03-01T09:30:00Z\n", "٢025-03-01T09:30:00Z",
    )],
    *[RUN | {"run": {"id": identity, "status": "failed"}} for identity in (
        "", "a/b", "a\n", "\n", "a\0", "a\x7f", "a" * 256, 1,
    )],
    *[RUN | {"code": {"commit": commit}} for commit in (
        "0" * 40, "0" * 64, "ab" * 19, "ab" * 21, COMMIT + "\n", COMMIT.upper(), "main",
    )],
    *[RUN | {"unavailable": {pointer: "x"}} for pointer in ("", "data", "data/0", "/~", "/a~2", "\n", "#/a")],
    *[RUN | {"unavailable": {"/a": reason}} for reason in ("", " ", "\n\t", None, 1)],
    RUN | {"lineage": {"parents": [{"digest": EMPTY, "relation": "repeat-of"}]}},
    RUN | {"metrics": [{"name": "a", "value": "1"}]},
    RUN | {"metrics": [{"value": 1}]},
    RUN | {"metrics": [{"name": "a", "parameters": {"k": 0}}]},
    RUN | {"reproductions": [{"name": "a", "timeout": 0}]},
    RUN | {"reproductions": [{"name": "a", "tier": "deep"}]},
    RUN | {"environment": {"packages": {"numpy": 1.26}}},
    RUN | {"environment": {"packages": {"numpy": ""}}},
    expected(role="weights", digest=EMPTY),
    expected(role="metrics", digest=EMPTY),
]  # fmt: skip


@pytest.mark.parametrize("value", GOOD, ids=lambda value: json.dumps(value)[60:130])
def test_good_manifests(value):
    assert agree(MANIFEST, value)
    # What the schema accepts can be written, read back and becomes a run.
    text = dump(value)
    assert to_run(read(text.encode(), source="a.run.yaml")).run.id == value["run"]["id"]


@pytest.mark.parametrize("value", BAD, ids=lambda value: json.dumps(value)[60:130])
def test_bad_manifests(value):
    assert not agree(MANIFEST, value)
    found = violations(value, "run-manifest")
    assert found
    assert all(violation.message and violation.fix for violation in found)


@pytest.mark.parametrize(
    ("duration", "good"),
    [(text, True) for text in ("10m", "0s", "30d", "1h")]
    + [(text, False) for text in ("10", "m", "10 m", "10m\n", "1.5h", "10M", "-1s", "٣s")],
)
def test_durations(duration, good):
    assert agree(POLICY, {"schema": "auditor/policy/v1", "gates": {"merge": {"budget": duration}}}) is good


PATTERNS = sorted({rule["pattern"] for name in NAMES for _, rule in subschemas(schema(name)) if "pattern" in rule})
awkward = st.text(st.sampled_from("a0./\\~:_-\n\r\x00\x1f\x7f\x85 \u2028AZ٣é"), max_size=12)


@given(text=st.one_of(awkward, st.text(max_size=12), st.sampled_from([DIGEST, COMMIT, "a/b", "/a"]).flatmap(
    lambda base: awkward.map(lambda tail: base + tail))))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_patterns_mean_the_same_to_both_validators(text):
    for pattern in PATTERNS:
        agree({"type": "string", "pattern": pattern, **({"maxLength": 71} if "sha256" in pattern else {})}, text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["/a" * 2000, "../" * 1300 + "x", "a/" * 2000, "/" + "~0" * 2000 + "~", "a" * 4000 + "\0"])
def test_patterns_cannot_be_made_slow(text):
    for pattern in PATTERNS:
        agree({"type": "string", "pattern": pattern}, text)


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_is_fresh():
    assert document.main(["--check"]) == 0


def test_a_stale_page_is_noticed_and_mended(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(document, "folder", lambda _: tmp_path)
    assert document.main(["--check"]) == 1
    assert "stale" in capsys.readouterr().err
    assert document.main([]) == 0
    assert document.main(["--check"]) == 0
    (tmp_path / "README.md").write_text("x")
    assert document.main(["--check"]) == 1
    assert document.main(["--help"]) == 2


def test_the_page_names_every_field():
    page = (folder("schemas") / "README.md").read_text(encoding="utf-8")
    for field in (
        "run.supersedes.digest",
        "data[].transformations[].code.path",
        "randomness.seeds.*.at",
        "gates.merge.block-at",
    ):
        assert f"| `{field}` |" in page
