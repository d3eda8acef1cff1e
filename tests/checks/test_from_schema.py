"""Every check about a run on manifests drawn from the schema itself, and on files that nobody would write by accident."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import digest
from auditor.catalogue.check import catalogue
from auditor.catalogue.checklists import Selected, select
from auditor.engine import Gathered, ask
from auditor.evidence.answers import Answers
from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.evidence.history import History
from auditor.evidence.manifest import Manifest
from auditor.evidence.measured import Measured
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.git import Repository
from auditor.manifest.reader import read
from auditor.model.policy import Policy
from auditor.model.words import Outcome, Tier
from auditor.resources import folder

SELECTION = [selected for selected in select("strict") if selected.check.judges_run]
SCHEMA = json.loads((folder("schemas") / "run-manifest.v1.schema.json").read_text(encoding="utf-8"))
FILES = {
    "train.py": b"import os, random\nprint(random.random(), os.environ['X'], hash('a'))\n",
    "broken.py": b"def (:\n",
    "nb.ipynb": b'{"cells": [{"cell_type": "code", "source": 1, "execution_count": 2}, 3]}',
    "a.csv": b"id,x,label,g,t\n1,2,0,a,2024-01-01\n2,2,1,b,2025-01-01\n",
    "b.csv": b"id,x,label,g,t\n1,2,1,a,2023-01-01\n3,4\n",
    "latin.csv": "id,name\n1,Zoë\n".encode("latin-1"),
    "open.csv": b'id,x\n1,"never closed\n2,3\n',
    "nul.csv": b"id,x\n1,\0\n",
    "empty.csv": b"",
    "lines.jsonl": b'{"id": 1, "label": [1, {"a": 2}]}\n[1]\n"x"\n\n{"label": 0}\n',
    "bad.jsonl": b"{\n",
    "m.npz": b"PK\x03\x04 and nothing else",
    "m.npy": b"\x93NUMPY\x01\x00\x06\x00{'sha'",
    "m.safetensors": b"\xff" * 16,
    "m.pkl": b"\x80\x04\x93.",
    "m.pt": b"cos\nsystem\n(S'true'\ntR.",
    "m.parquet": b"PAR1PAR1",
    "metrics.json": b'{"accuracy": 1e999, "a": {"b": [1, true, null]}}',
    "deep.json": b"[" * 5000,
    "trace.csv": b"step,loss\n0,nan\n-1,inf\nx,1\n",
    "data/one": b"1",
}
WORDS = ["", "accuracy", "loss", "a", "train", "id", "label", "x", "\0", "\x1b[31m", "/a/0", "é" * 3, "main", "0"]
ODD_PATHS = ["..", "../x", "/etc/passwd", ".git/config", "data", "a.csv/", "a\nb", "x" * 300]


def drawn(node: dict, depth: int = 0) -> st.SearchStrategy:
    """Values of the form that a schema asks for, and now and then of another."""
    if "$ref" in node:
        return drawn({**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], "_name": node["$ref"]}, depth)
    if "const" in node:
        return st.just(node["const"])
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "anyOf" in node or "oneOf" in node:
        return st.one_of([drawn(inner, depth) for inner in node.get("anyOf", node.get("oneOf"))])
    kinds = node.get("type", "any")
    return st.one_of([_kind(kind, node, depth) for kind in ([kinds] if isinstance(kinds, str) else kinds)])


PLAIN = {
    "integer": st.sampled_from([0, 1, 2, 5, -1, 2**53 - 1]),
    "number": st.sampled_from([0.0, 1.0, 0.5, -3.5, 1e308]),
    "boolean": st.booleans(),
    "null": st.none(),
    "any": st.sampled_from([None, 1, "x", [1], {"a": 1}]),
}


def _kind(kind: str, node: dict, depth: int) -> st.SearchStrategy:
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "string":
        return st.sampled_from([*_texts(node), *map(str, node.get("examples", ())), *WORDS])
    if kind == "array":
        return st.lists(drawn(node.get("items", {}), depth + 1), max_size=3)
    if "properties" in node:
        inner = {name: drawn(child, depth + 1) for name, child in node["properties"].items()}
        required = {name: inner.pop(name) for name in node.get("required", ())}
        return st.fixed_dictionaries(required, optional=inner)
    extra = node.get("additionalProperties")
    values = drawn(extra, depth + 1) if isinstance(extra, dict) else PLAIN["any"]
    return st.dictionaries(st.sampled_from(WORDS), values, max_size=2)


def _texts(node: dict) -> list[str]:
    match node.get("_name", "").rpartition("/")[2]:
        case "path":
            return [*FILES, *FILES, *ODD_PATHS]
        case "contentDigest":
            return [digest.of_bytes(content) for content in FILES.values()]
        case "time":
            return ["2026-01-02T03:04:05Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
        case _:
            return []


@pytest.fixture(scope="module")
def repository(tmp_path_factory, shell):
    root = tmp_path_factory.mktemp("schema")
    for path, content in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content)
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    with Repository.discover(root) as opened:
        yield opened


def audit(repository: Repository, value: object, selection: list[Selected] = SELECTION):
    manifest = Manifest("runs/x.run.json", read(json.dumps(value).encode(), source="runs/x.run.json"))
    head = repository.commit("HEAD")
    scratch = Scratch()
    claimed = ClaimedBytes(root=repository.root, repository=repository, commit=head, scratch=scratch)
    evidence = {
        "run": lambda: manifest.run,
        "manifest": lambda: manifest,
        "claimed": lambda: claimed,
        "measured": lambda: Measured(manifest.run, claimed),
        "history": lambda: History(repository, head),
        "reproductions": lambda: Reproductions(required=(Tier.SMOKE,), reason="nothing was executed"),
        "answers": Answers,
        "rules": lambda: Rules(policy=Policy()),
    }
    try:
        return ask(selection, Gathered(evidence), manifest.place)
    finally:
        scratch.close()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=drawn(SCHEMA), here=st.booleans())
def test_manifests_from_the_schema_crash_no_check(repository, value, here):
    if here:
        head = repository.commit("HEAD")
        value["code"] = {**value.get("code", {}), "commit": head, "tree": repository.tree(head)}
    for claim in [*value.get("data", ()), *value.get("artifacts", ())]:
        if claim.get("path") in FILES:  # most of what is claimed is there: what comes after a wrong digest is asked, too
            claim["digest"] = digest.of_bytes(FILES[claim["path"]])
    for result in audit(repository, value):
        assert result.outcome is not Outcome.CRASHED, result
        assert result.outcome is not Outcome.FAILED or result.findings, result
        assert result.outcome in {Outcome.PASSED, Outcome.FAILED} or result.reason, result


@pytest.mark.parametrize("path", FILES)
def test_odd_file_in_every_role_crashes_no_check(repository, path):
    claim = {"path": path, "digest": digest.of_bytes(FILES[path])}
    columns = {"id": "id", "label": "label", "group": "g", "time": "t"}
    split = [{"name": "split", "inputs": ["all"], "outputs": ["train", "test"]}]
    head = repository.commit("HEAD")
    other = "sha256:" + "ab" * 32
    data = [
        {**claim, "name": name, "role": role, "columns": columns, "records": 2, "transformations": split}
        for name, role in (("all", "other"), ("train", "train"), ("test", "test"))
    ]
    data.append({**claim, "name": "new", "supersedes": {"digest": other, "reason": "x"}})
    roles = ("weights", "predictions", "metrics", "trace", "labels")
    value = {
        "schema": "auditor/run-manifest/v1",
        "run": {"id": "x", "status": "succeeded", "supersedes": {"digest": other, "reason": "x"}},
        "code": {"commit": head, "entrypoint": ["python", path]},
        "data": data,
        "artifacts": [{**claim, "name": role, "role": role} for role in roles],
        "metrics": [{"name": n, "value": 1.0, "step": 0, "from": {"predictions": path}} for n in ("accuracy", "loss")],
        "observed": {"method": "audit-hook", "reads": [claim]},
        "lineage": {"parents": [{"digest": other, "relation": "continued-from"}]},
    }
    results = {result.check: result for result in audit(repository, value)}
    assert [r for r in results.values() if r.outcome is Outcome.CRASHED] == []


def one(check: str) -> list[Selected]:
    return [Selected(check=catalogue()[check], severity=catalogue()[check].rule.severity)]


def judged(tmp_path: Path, shell: object, check: str, name: str, write, **claim):
    write(tmp_path / name)
    for arguments in (["init", "-q", "-b", "main"], ["commit", "-q", "--allow-empty", "-m", "none"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True)
    with Repository.discover(tmp_path) as repository:
        found = digest.of_file(tmp_path / name)[0]
        value = {
            "schema": "auditor/run-manifest/v1",
            "run": {"id": "x", "status": "succeeded"},
            "data": [{"name": "train", "role": "train", "path": name, "digest": found, **claim}],
        }
        (result,) = audit(repository, value, one(check))
    return result


def test_table_of_a_million_rows_is_counted(tmp_path, shell):
    def write(path: Path) -> None:
        path.write_text("id,x\n" + "1,2\n" * 1_000_000, encoding="utf-8")

    result = judged(tmp_path, shell, "data/miscounted-records", "big.csv", write, records=1_000_001)
    assert [f.message for f in result.findings] == ["train has 1000000 records, the manifest says 1000001"]


@pytest.mark.parametrize("start", ["", '"'], ids=["plain", "in quotes"])
def test_line_of_a_hundred_megabytes_is_not_read_whole(tmp_path, shell, start):
    def write(path: Path) -> None:
        with path.open("wb") as stream:
            stream.write(b"id,x\n1," + start.encode())
            for _ in range(100):
                stream.write((b"\n" if start else b"").ljust(1 << 20, b"x"))

    result = judged(tmp_path, shell, "data/miscounted-records", "wide.csv", write, records=1)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "a row of more than 16777216 characters" in result.reason
    assert csv.field_size_limit() == 131072


def test_parquet_with_nested_types_is_read_by_its_columns(tmp_path, shell):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415  (an optional reader)

    def write(path: Path) -> None:
        rows = [{"id": i, "where": {"x": i % 2, "tags": ["a"]}, "label": i % 4 // 2} for i in range(8)]
        parquet.write_table(pyarrow.Table.from_pylist(rows), path)

    result = judged(tmp_path, shell, "data/conflicting-labels", "nested.parquet", write)
    assert [f.message for f in result.findings] == ["8 of 8 rows of train have a twin with equal features and another label"]
    (tmp_path / ".git").rename(tmp_path / "git-before")
    counted = judged(tmp_path, shell, "data/miscounted-records", "nested.parquet", write, records=8)
    assert counted.outcome is Outcome.PASSED


def test_symbolic_link_out_of_the_tree_is_not_followed(tmp_path, shell):
    outside = tmp_path / "outside.csv"
    outside.write_text("id,x\n1,2\n", encoding="utf-8")
    inside = tmp_path / "project"
    inside.mkdir()
    result = judged(inside, shell, "data/miscounted-records", "link.csv", lambda path: path.symlink_to(outside), records=1)
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "leaves the repository" in result.reason
