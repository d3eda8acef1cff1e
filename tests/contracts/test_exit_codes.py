"""Exit codes 0 to 4, and which one wins when several apply."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from workbench import checks, no_reproduction, wrong_metric


def break_base_policy(repo):
    repo.checkout("main")
    repo.write("auditor.yaml", "schema: auditor/policy/v1\nno-such-key: 1\n")
    repo.commit("Break the policy")
    repo.checkout("work")


def test_open_is_0(project):
    assert project().gate().expect(0).json()["verdict"] == "open"


def test_blocked_is_1(project):
    repo = project()
    repo.edit(wrong_metric)
    repo.commit()
    assert repo.gate().expect(1).json()["verdict"] == "blocked"


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["gate", "no-such-gate"],
        ["gate", "merge", "--no-such-option"],
        ["gate", "merge", "--format", "no-such-format"],
        ["check", "--format"],
        ["compare", "only-one"],
        ["reproduce"],
        ["record"],
    ],
)
def test_wrong_usage_is_2(project, arguments):
    answer = project().auditor(*arguments).expect(2)
    assert answer.stdout == ""
    assert answer.stderr.strip()


@pytest.mark.parametrize("arguments", [["init"], ["gate", "merge"], ["record", "--", "true"]])
def test_outside_a_repository_is_2(auditor, arguments):
    answer = auditor(*arguments).expect(2)
    assert "git" in answer.stderr


def test_an_invalid_policy_at_the_policy_ref_is_2(project):
    repo = project()
    break_base_policy(repo)
    repo.gate().expect(2)


@pytest.mark.parametrize("arguments", [["check"], ["gate", "merge", "--base", "main"]])
@pytest.mark.parametrize("selection", ["runs/nothing.run.yaml", "nowhere/**/*.run.yaml"])
def test_a_selection_that_matches_nothing_is_3(project, arguments, selection):
    project().auditor(*arguments, selection).expect(3)


def test_a_path_to_compare_that_is_not_there_is_3(project):
    project().auditor("compare", "out/model.npz", "out/nothing.npz").expect(3)


@pytest.mark.parametrize("path", ["runs", "..", "../outside.run.yaml", "/etc/passwd", ""])
@pytest.mark.parametrize("command", ["check", "reproduce"])
def test_a_path_that_is_no_manifest_of_this_repository_is_never_open(project, command, path):
    repo = project()
    (repo.root.parent / "outside.run.yaml").write_text(repo.read(repo.manifest), encoding="utf-8")
    repo.auditor(command, path).expect(1, 2, 3, 4)


def test_a_file_that_nobody_may_read_is_never_open(project):
    repo = project()
    path = repo.root / repo.manifest
    if os.geteuid() == 0:
        path.unlink()
        path.symlink_to("/proc/1/mem")  # root may read everything else
    else:
        path.chmod(0)
    repo.auditor("check", repo.manifest).expect(1, 2, 3, 4)


def test_without_a_base_is_4(repository):
    repository.git("checkout", "--quiet", "-b", "trunk")
    repository.write("README.md", "text\n")
    repository.commit()
    answer = repository.auditor("gate", "merge").expect(4)
    assert "base" in answer.stderr + answer.stdout


def test_a_base_that_cannot_be_read_is_4(project):
    report = project().gate(base="no-such-ref").expect(4).json()
    assert report["verdict"] == "undecided"


def test_missing_required_evidence_is_4(project):
    repo = project()
    repo.edit(no_reproduction)
    repo.commit()
    report = repo.gate().expect(4).json()
    assert "reproduction/unexercised-run" in checks(report, "inconclusive")


def test_blocked_wins_over_undecided(project):
    repo = project()
    repo.edit(lambda claims: (wrong_metric(claims), no_reproduction(claims)))
    repo.commit()
    report = repo.gate().expect(1).json()
    assert checks(report, "inconclusive") >= {"reproduction/unexercised-run"}


def test_an_invalid_policy_wins_over_blocked(project):
    repo = project()
    repo.edit(wrong_metric)
    repo.commit()
    break_base_policy(repo)
    repo.gate().expect(2)


def test_no_base_wins_over_an_empty_selection(project):
    project().gate("runs/nothing.run.yaml", base="no-such-ref").expect(4)


def test_compare_answers_with_its_own_codes(project):
    repo = project()
    repo.auditor("compare", "out/model.npz", "out/model.npz").expect(0)
    repo.write("other.json", '{"accuracy": 0.1, "loss": 0.1}')
    repo.auditor("compare", "out/metrics.json", "other.json").expect(1)


@pytest.mark.parametrize("code", [0, 1, 3, 42])
def test_record_ends_with_the_commands_own_status(project, code):
    repo = project("network", "started")
    repo.auditor("record", "--name", "status", "--", "python", "-c", f"raise SystemExit({code})").expect(code)
    (path,) = repo.manifests()
    assert repo.claims(path)["run"]["status"] == ("failed" if code else "succeeded")


def test_record_of_a_killed_command_ends_with_128_and_the_signal(project):
    repo = project("network", "started")
    command = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    repo.auditor("record", "--name", "killed", "--", "python", "-c", command).expect(137)
    assert repo.claims()["run"]["status"] in {"failed", "interrupted"}


def test_record_of_a_command_that_does_not_exist_is_2(project):
    repo = project("network", "started")
    answer = repo.auditor("record", "--", "no-such-program-anywhere").expect(2)
    assert "no-such-program-anywhere" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert repo.manifests() == []


def test_ctrl_c_leaves_a_manifest_that_says_interrupted(project):
    repo = project("network", "started")
    command = "import pathlib, time; pathlib.Path('started').touch(); time.sleep(60)"
    recorder = subprocess.Popen(
        [sys.executable, "-m", "auditor", "record", "--name", "slow", "--", "python", "-c", command],
        cwd=repo.root,
        env=repo.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (repo.root / "started").exists():
        assert time.monotonic() < deadline, "the command never started"
        assert recorder.poll() is None, recorder.communicate()
        time.sleep(0.05)
    os.killpg(recorder.pid, signal.SIGINT)  # what a terminal does
    _, words = recorder.communicate(timeout=30)

    assert recorder.returncode == 130, words
    assert "auditor/" not in words, "a traceback of our own"
    assert repo.claims()["run"]["status"] == "interrupted"
