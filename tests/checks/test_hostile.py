"""Every check about a run, on manifests that nobody would write by accident: each answers once, none crashes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import digest
from auditor.catalogue.checklists import Selected, select
from auditor.engine import Gathered, ask
from auditor.errors import UnreadableError
from auditor.evidence.answers import Answers
from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.evidence.history import History
from auditor.evidence.manifest import Manifest
from auditor.evidence.measured import Measured
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.git import Repository
from auditor.manifest.reader import read
from auditor.manifest.validate import violations
from auditor.model.finding import Result
from auditor.model.policy import Policy
from auditor.model.words import EvidenceLevel, Outcome, Tier

SELECTION: list[Selected] = [selected for selected in select("strict") if selected.check.judges_run]
FILES = {
    "train.py": "print(1)\n",
    "data/train.csv": "id,x,label\n1,0.5,0\n2,0.7,1\n",
    "data/test.csv": "id,x,label\n3,0.1,0\n4,0.9,1\n",
    "out/predictions.csv": "id,label,prediction\n3,0,0\n4,1,1\n",
    "out/model.npz": "PK\n",
    "out/metrics.json": '{"accuracy": 1.0}\n',
    "conf.yaml": "seed: 1\n",
    "requirements.txt": "numpy==1.26.4\n",
}
TABLE = FILES["data/train.csv"]


def sha(path: str) -> str:
    return digest.of_bytes(FILES[path].encode())


@pytest.fixture(scope="module")
def repository(tmp_path_factory, shell):
    root = tmp_path_factory.mktemp("hostile")
    for path, content in FILES.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(content.encode())
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
    with Repository.discover(root) as opened:
        yield opened


def audit(repository: Repository, value: object, reproductions: Reproductions | None = None) -> tuple[Result, ...]:
    source = "runs/case.run.json"
    try:
        manifest = Manifest(source, read(json.dumps(value).encode(), source=source))
    except UnreadableError as error:
        manifest = Manifest(source, error=error)
    head = repository.commit("HEAD")
    scratch = Scratch()
    claimed = ClaimedBytes(root=repository.root, repository=repository, commit=head, scratch=scratch)
    require = {"metrics": (EvidenceLevel.RE_EXECUTED,), "weights": (EvidenceLevel.CONSISTENT,)}
    evidence = {
        "run": lambda: manifest.run,
        "manifest": lambda: manifest,
        "claimed": lambda: claimed,
        "measured": lambda: Measured(manifest.run, claimed),
        "history": lambda: History(repository, head),
        "reproductions": lambda: reproductions or Reproductions(required=(Tier.SMOKE,), reason="nothing was executed"),
        "answers": Answers,
        "rules": lambda: Rules(policy=Policy(), require=require),
    }
    try:
        return ask(SELECTION, Gathered(evidence), manifest.place)
    finally:
        scratch.close()


def hold(results: tuple[Result, ...]) -> None:
    """What is true of every audit, whatever the manifest."""
    assert [r.check for r in results] == [selected.check.rule.id for selected in SELECTION]
    for result in results:
        assert result.outcome is not Outcome.CRASHED, result
        assert result.outcome is not Outcome.FAILED or result.findings, result
        assert result.outcome in {Outcome.PASSED, Outcome.FAILED} or result.reason, result
        for finding in result.findings:
            assert finding.message.strip(), result
            assert finding.fix.strip(), result
            assert finding.pointer == "" or finding.pointer.startswith("/"), result
            assert finding.file, result


def minimal() -> dict:
    return {"schema": "auditor/run-manifest/v1", "run": {"id": "case", "status": "succeeded"}}


def maximal(repository: Repository) -> dict:
    """A manifest in which every field of the schema has a value."""
    head = repository.commit("HEAD")
    other = "sha256:" + "ab" * 32
    claim = {"uri": "s3://bucket/a", "mount": "/mnt/a", "format": "csv", "version": "1", "size": 5, "records": 2}
    file = {"path": "train.py", "digest": sha("train.py")}
    return {
        **minimal(),
        "run": {
            "id": "case",
            "status": "succeeded",
            "started": "2026-01-02T03:04:05Z",
            "finished": "2026-01-02T03:04:06.5Z",
            "author": "The Author",
            "purpose": "a test",
            "supersedes": {"digest": other, "reason": "wrong"},
        },
        "code": {
            "repository": "https://example.org/p.git",
            "commit": head,
            "tree": repository.tree(head),
            "submodules": [{"path": "vendor", "commit": "1" * 40}],
            "dirty": True,
            "patch": file,
            "entrypoint": ["python", "train.py"],
        },
        "environment": {
            "python": "3.11.9",
            "platform": "Linux",
            "hardware": {"cpu": "x"},
            "executor": {"class": "c", "features": {"avx": True}},
            "threads": {"OMP_NUM_THREADS": 1},
            "variables": {"TZ": "UTC"},
            "packages": {"numpy": "1.26.4", "a/b~c": "1"},
            "editable": ["p"],
            "lock": {"path": "requirements.txt", "digest": sha("requirements.txt"), "kind": "requirements"},
            "container": {"image": "i@" + other},
        },
        "configuration": {
            "files": [{"path": "conf.yaml", "digest": sha("conf.yaml")}],
            "effective": {"seed": 1},
            "digest": digest.of_value({"seed": 1}),
            "origins": {"/seed": {"source": "set", "detail": "seed=1", "shadows": [0, None]}},
        },
        "randomness": {
            "seeds": {"seed": {"value": 1, "at": "/seed"}, "argv": {"value": "2", "at": 3}},
            "flags": {"cudnn": False},
            "deterministic": "nearly",
        },
        "data": [
            {
                **claim,
                "name": role,
                "role": role,
                "path": path,
                "digest": sha(path),
                "size": len(FILES[path]),
                "columns": {"id": "id", "label": "label", "group": "g", "time": "t"},
                "source": "s",
                "license": "l",
                "supersedes": {"digest": other, "reason": "older"},
                "transformations": [{"name": "t", "code": file, "parameters": {"p": 1}, "inputs": ["a"], "outputs": ["b"]}],
            }
            for role, path in [("train", "data/train.csv"), ("test", "data/test.csv")]
        ],
        "stages": [
            {"name": "s", "command": ["c"], "inputs": ["i"], "outputs": ["o"], "parameters": {"p": 1}, "seeds": ["seed"]}
        ],
        "artifacts": [
            {
                "name": role,
                "role": role,
                "path": path,
                "uri": "s3://bucket/b",
                "mount": path,
                "digest": sha(path),
                "size": len(FILES[path]),
                "format": "f",
                "stage": "s",
            }
            for role, path in [
                ("weights", "out/model.npz"),
                ("predictions", "out/predictions.csv"),
                ("metrics", "out/metrics.json"),
            ]
        ],
        "metrics": [
            {
                "name": "accuracy",
                "value": 1.0,
                "split": "test",
                "dataset": "test",
                "step": 1,
                "kind": "accuracy",
                "parameters": {"average": "macro", "positive": 1},
                "from": {
                    "predictions": "predictions",
                    "labels": "test",
                    "columns": {"id": "id", "label": "label", "prediction": "prediction", "probability": "p"},
                },
            },
            {"name": "f1", "value": 0.5, "parameters": {"k": 1, "threshold": 0.5}, "from": {"predictions": "predictions"}},
        ],
        "checkpoints": {"root": other, "interval": 1, "count": 2, "leaves": file, "trace": file},
        "reproductions": [
            {
                "name": "smoke",
                "tier": "smoke",
                "command": ["python", "train.py"],
                "inputs": ["train"],
                "outputs": ["out/model.npz"],
                "scale": {"epochs": 1},
                "needs": {"accelerator": True, "memory": 1},
                "timeout": 60.0,
                "expect": {
                    "metrics": [{"name": "accuracy", "value": 1.0}],
                    "artifacts": [{"path": "out/model.npz", "digest": other, "role": "weights"}],
                },
            }
        ],
        "observed": {
            "reads": [{"path": path, "digest": sha(path)} for path in ("train.py", "data/train.csv", "conf.yaml")],
            "ignored": [".venv"],
            "method": "audit-hook",
        },
        "lineage": {"parents": [{"digest": other, "relation": "derived-from"}]},
        "unavailable": {"/run/author": "unknown"},
        "extensions": {"auditor": {"effective-config-read": True}, "mine": [1]},
    }


def fields(kind: type, seen: tuple[type, ...] = ()) -> set[str]:
    """Every field, by its name in JSON, that ``kind`` and what it is made of can have."""
    names = set()
    for field in msgspec.structs.fields(kind):
        names.add(field.encode_name)
        for inner in _structs(field.type):
            if inner not in seen:
                names |= fields(inner, (*seen, kind))
    return names


def _structs(annotation: object) -> list[type]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return [annotation]
    return [found for part in getattr(annotation, "__args__", ()) for found in _structs(part)]


def test_maximal_manifest_is_valid_and_leaves_no_field_out(repository):
    value = maximal(repository)
    run = Manifest("m", read(json.dumps(value).encode(), source="m.json")).run
    assert violations(value, "run-manifest") == []
    missing = fields(type(run)) - set(_keys(value))
    assert missing == set()


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for child in value.values() for key in _keys(child))]
    return [key for child in value for key in _keys(child)] if isinstance(value, list) else []


@pytest.mark.parametrize("make", [lambda _: minimal(), maximal], ids=["minimal", "maximal"])
def test_every_check_answers_once_and_in_the_same_order(repository, make):
    value = make(repository)
    first, again = audit(repository, value), audit(repository, value)
    hold(first)
    assert first == again


def test_minimal_manifest_is_never_passed_for_want_of_evidence(repository):
    """With nothing claimed, no check that looks at bytes, code or executions may say that all is well."""
    passed = {r.check for r in audit(repository, minimal()) if r.outcome is Outcome.PASSED}
    assert passed <= {"schema/invalid-manifest", "schema/unreadable-manifest", "security/leaked-secret"} | {
        "metrics/insufficient-evidence"  # no metric is claimed, so none falls short
    }


@pytest.mark.parametrize("value", [[], None, 1, "text", {}, {"schema": "auditor/run-manifest/v2"}, {"run": []}])
def test_what_is_no_manifest_leaves_every_check_an_answer(repository, value):
    results = audit(repository, value)
    hold(results)
    assert next(r.outcome for r in results if r.check == "schema/invalid-manifest") is Outcome.FAILED


PATHS = [
    *("..", "../x", "/etc/passwd", "", ".", "./", "a/../../b", "a\0b", "data", "data/train.csv\r", "train.py\0.csv", "a\nb"),
    *(
        "-x",
        "--output=pwned",
        "\u202egnp.exe",
        "x" * 300,
        "a/" * 2000,
        ".git/config",
        "train.py/",
        "HEAD:train.py",
        "\ufeff",
    ),
    *("~/x", "C:\\x", "//x", "e\u0301.csv", "\x1b[31m", "::error::x", "data/train.csv/x"),
]
DIGESTS = ["", "sha256:", "sha256:" + "0" * 64, digest.EMPTY, "md5:abc", "\x1b", "sha256:" + "A" * 64, sha("data/train.csv")]
COMMITS = [
    "",
    "-x",
    "--output=pwned",
    "HEAD",
    "main",
    "a\0b",
    "1" * 40,
    "x" * 300,
    "\n",
    "HEAD\n",
    "@{u}",
    ":/all",
    "^HEAD",
]
TIMES = [
    "",
    "now",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z",
    "2026-01-01",
    "2026-01-01T24:00:00Z",
    "\u0662\u0660",
]
WORDS = st.sampled_from(
    ["", "x", "accuracy", "\x00", "\x1b]0;x\x07", "a/b~c", "\u202e", "train", "predictions", "f1"]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SIZES = st.sampled_from([0, -1, 1, 2**53 - 1, -(2**53) + 1])
JSON = st.recursive(st.none() | st.booleans() | SIZES | WORDS, lambda inner: st.dictionaries(WORDS, inner, max_size=2))


def some(**optional: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({}, optional=optional)


path, claimed_digest = (
    st.sampled_from(PATHS + list(FILES)),
    st.sampled_from(DIGESTS) | st.sampled_from(list(map(sha, FILES))),
)
file = st.builds(lambda p, d: {"path": p, **d}, path, some(digest=claimed_digest))
name = st.builds(lambda n: {"name": n}, WORDS)


def with_name(**optional: st.SearchStrategy) -> st.SearchStrategy[list]:
    return st.lists(st.builds(lambda a, b: a | b, name, some(**optional)), max_size=3)


DATA_ROLES = st.sampled_from(["train", "test", "validation", "labels", "other"])
ROLES = st.sampled_from(["weights", "predictions", "metrics", "labels", "other"])
COLUMNS = some(id=WORDS, label=WORDS, prediction=WORDS, probability=WORDS)
ODD = st.builds(
    lambda head, rest: {**head, **rest},
    st.builds(
        lambda run, status, times: {"schema": "auditor/run-manifest/v1", "run": {"id": run, "status": status, **times}},
        WORDS,
        st.sampled_from(["succeeded", "succeeded", "failed"]),
        some(started=st.sampled_from(TIMES), finished=st.sampled_from(TIMES)),
    ),
    some(
        code=some(
            commit=st.sampled_from(COMMITS),
            tree=st.sampled_from(COMMITS),
            dirty=st.booleans(),
            patch=file,
            entrypoint=st.lists(WORDS, max_size=2),
        ),
        environment=some(
            packages=st.dictionaries(WORDS | st.sampled_from(["numpy", "NumPy", "a/b"]), WORDS, max_size=3),
            lock=st.builds(lambda f, k: {**f, **k}, file, some(kind=st.sampled_from(["uv", "requirements", "", "\x00"]))),
        ),
        configuration=some(
            files=st.lists(file, max_size=2),
            effective=st.dictionaries(WORDS, JSON, max_size=3),
            digest=claimed_digest,
            origins=st.dictionaries(WORDS, st.just({"source": "set"}), max_size=2),
        ),
        randomness=some(
            seeds=st.dictionaries(WORDS, st.fixed_dictionaries({"value": SIZES | WORDS, "at": SIZES | WORDS}), max_size=2),
            deterministic=WORDS,
        ),
        data=with_name(role=DATA_ROLES, path=path, uri=WORDS, digest=claimed_digest, size=SIZES, columns=some(id=WORDS)),
        artifacts=with_name(role=ROLES, path=path, uri=WORDS, digest=claimed_digest, size=SIZES),
        metrics=with_name(
            value=st.floats(allow_nan=False, allow_infinity=False),
            kind=WORDS,
            parameters=some(average=WORDS, positive=JSON, k=SIZES),
            **{"from": some(predictions=path, labels=path, columns=COLUMNS)},
        ),
        stages=with_name(command=st.lists(WORDS, max_size=2)),
        reproductions=with_name(command=st.lists(WORDS, max_size=2), scale=st.dictionaries(WORDS, JSON, max_size=1)),
        observed=some(reads=st.lists(file, max_size=4), method=st.sampled_from(["audit-hook", "none"])),
        unavailable=st.dictionaries(st.sampled_from(["", "/", "/data", "/data/0/digest", "x"]), WORDS, max_size=2),
        extensions=st.dictionaries(st.sampled_from(["auditor", ""]), JSON, max_size=1),
    ),
)


@settings(max_examples=60, deadline=None)
@given(value=ODD)
def test_odd_values_crash_no_check(repository, value):
    before = listing(repository.root)
    results = audit(repository, value)
    hold(results)
    assert next(r.outcome for r in results if r.check == "schema/unreadable-manifest") is Outcome.PASSED
    assert listing(repository.root) == before


@pytest.mark.parametrize("odd", PATHS, ids=ascii)
def test_odd_path_crashes_no_check_wherever_it_stands(repository, odd):
    value = maximal(repository)
    claim = {"path": odd, "digest": sha("data/train.csv")}
    value["code"]["patch"] = value["environment"]["lock"] = claim
    value["configuration"]["files"] = [claim]
    value["observed"]["reads"] += [claim]
    for entry in [*value["data"], *value["artifacts"]]:
        entry.update(claim)
    value["metrics"][0]["from"] = {"predictions": odd, "labels": odd}
    hold(audit(repository, value))
    value["code"]["patch"] = None
    value["code"] = {k: v for k, v in value["code"].items() if k != "patch"}
    hold(audit(repository, value))


@pytest.mark.parametrize("odd", COMMITS, ids=ascii)
def test_odd_commit_crashes_no_check_and_writes_nothing(repository, odd):
    value = maximal(repository)
    before = listing(repository.root)
    value["code"].update(commit=odd, tree=odd)
    hold(audit(repository, value))
    assert listing(repository.root) == before


def listing(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())
