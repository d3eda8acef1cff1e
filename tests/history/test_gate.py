"""The history gate names what decayed, and lets an honest history through."""

from __future__ import annotations

import json
import subprocess

import pytest
from past import build, claims, model, table, text_of


def gate(repo, *arguments):
    return repo.auditor("gate", "history", *arguments, "--format", "json")


def findings(report):
    return [
        (result["check"], finding["message"])
        for run in report["runs"]
        for result in run["results"]
        if result["outcome"] == "failed"
        for finding in result["findings"]
    ]


def loose(repo, number=1):
    """A run whose data and weights lie outside git, committed."""
    repo.write("train.py", "pass\n")
    repo.write(".gitignore", "data/\nout/\n")
    commit = repo.commit()
    value = claims(number)
    value["code"] = {"commit": commit, "entrypoint": ["python", "train.py"]}
    del value["configuration"], value["observed"]
    repo.write(f"data/{number % 7}.csv", table(number))
    repo.write(f"out/{number:06}.bin", model(number))
    repo.write(f"runs/{number:06}.run.json", text_of(value, "json"))
    repo.commit()
    return value


def test_an_honest_merged_run_is_executed_again_and_lets_through(project):
    repo = project("network", "merged")
    report = gate(repo, "--since", "90d").json()
    assert (report["gate"], report["verdict"], report["exit"]) == ("history", "open", 0)
    (run,) = report["runs"]
    (smoke,) = [r for r in run["reproductions"] if r["tier"] == "smoke"]
    assert smoke["agreement"] == "bitwise"
    assert any("executed again: 1 of 1" in note for note in report["notes"])


def test_whoever_holds_a_key_need_not_execute_anything(project):
    report = gate(project("network", "merged"), "--no-sample").expect(0).json()
    assert [run["reproductions"] for run in report["runs"]] == [[]]
    assert "nothing was executed again" in report["notes"]


def test_decay_is_found_and_each_cause_named(repository):
    loose(repository)
    assert gate(repository).json()["verdict"] == "open"
    repository.write("data/1.csv", "id,x,label\n1,1,1\n")
    repository.write("out/000001.bin", "rotten")
    report = gate(repository).json()
    assert (report["verdict"], report["exit"]) == ("blocked", 1)
    said = dict(findings(report))
    assert "data/1.csv" in said["data/changed-dataset"]
    assert "out/000001.bin" in said["artifacts/changed-artifact"]
    assert any(note.startswith("regression: run-000001 is blocked") for note in report["notes"])


def test_code_that_nobody_can_reach_any_more_blocks(repository):
    repository.write("train.py", "print(1)\n")
    repository.write(".gitignore", "data/\nout/\n")
    repository.commit()
    repository.branch("lost")
    value = loose(repository)
    text = repository.read("runs/000001.run.json")
    assert gate(repository).json()["verdict"] == "open"
    repository.checkout("main")
    repository.git("branch", "-D", "lost")
    repository.write("train.py", "print(2)\n")
    repository.write("runs/000001.run.json", text)
    repository.commit()
    report = gate(repository).json()
    assert report["verdict"] == "blocked"
    assert "code/unreachable-commit" in dict(findings(report))
    assert value["code"]["commit"]
    repository.git("update-ref", f"refs/auditor/keep/{value['code']['commit']}", value["code"]["commit"])
    assert gate(repository).json()["verdict"] == "open", "a keep reference protects it"


def test_a_file_that_git_tracks_may_move_on(repository):
    build(repository, 3)
    assert gate(repository).json()["verdict"] == "open"
    repository.write("data/1.csv", "id,x,label\n1,1,1\n")
    repository.write("conf/1.json", "{}")
    repository.commit()
    assert gate(repository).json()["verdict"] == "open", "the commit of the run still has it"


def test_since_leaves_out_what_is_older_and_says_so(repository):
    build(repository, 3)
    report = gate(repository, "--since", "30d").json()
    assert report["runs"] == []
    assert any("nothing to judge" in note for note in report["notes"])
    assert len(gate(repository).json()["runs"]) == 3
    assert len(gate(repository, "runs/000/000001.run.json").json()["runs"]) == 1
    gate(repository, "runs/nothing*").expect(3)
    gate(repository, "--since", "yesterday").expect(2)


def test_report_only_never_turns_red(repository):
    loose(repository)
    repository.write("auditor.yaml", "schema: auditor/policy/v1\nmode: report-only\n")
    repository.commit()
    repository.write("out/000001.bin", "rotten")
    report = gate(repository).json()
    assert (report["verdict"], report["exit"]) == ("blocked", 0)


@pytest.mark.parametrize("method", ["uniform", "stratified", "risk"])
def test_a_sample_within_a_budget_says_what_it_did_not_reach(project, method):
    repo = project("network", "merged")
    done = repo.auditor("history", "audit", "--sample", method, "--budget", "1s").expect(4)
    assert "not reached in time: 1 runs" in done.stdout
    repo.auditor("history", "audit", "--sample", "luck").expect(2)


def test_a_judge_s_verdict_about_the_past_is_one_entry_of_the_ledger(repository, tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    loose(repository)
    assert gate(repository).json()["verdict"] == "open"
    assert not (repository.root / ".git/auditor/ledger.db").exists(), "without a key nothing is said"
    repository.write("out/000001.bin", "rotten")
    repository.extra = {"AUDITOR_KEY": str(tmp_path / "key")}
    report = gate(repository).json()
    assert any(note.startswith("signed: entry 1") for note in report["notes"])
    lines = repository.auditor("ledger", "export").expect(0).stdout.splitlines()
    (said,) = [json.loads(line)["statement"] for line in lines]
    assert (said["kind"], said["body"]["gate"], said["body"]["verdict"]) == ("verdict", "history", "blocked")
    assert said["body"]["regressions"] == [report["runs"][0]["digest"]]
    repository.auditor("ledger", "verify").expect(0)
