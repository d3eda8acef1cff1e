from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from auditor.errors import UndecidableError, UsageError
from auditor.gate import many
from auditor.gate.worktree import Look, check
from auditor.manifest.write import dump
from auditor.model.report import RunReport

COUNT = 120


def manifests(root: Path) -> None:
    """Good manifests, with a broken one and one of another shape among them."""
    (root / "runs").mkdir(parents=True)
    for index in range(COUNT):
        about = {"id": f"run-{index}", "status": "succeeded"}
        value = {"schema": "auditor/run-manifest/v1", "run": about | ({"colour": "red"} if index == 70 else {})}
        text = "run: [" if index == 30 else dump(value)
        (root / f"runs/{index:03d}.run.yaml").write_text(text)


@pytest.fixture
def look(tmp_path) -> Look:
    manifests(tmp_path)
    return Look(root=tmp_path, checklist="schema")


def seen(look: Look, monkeypatch: pytest.MonkeyPatch, *, processes: int, fork: bool = True) -> tuple[RunReport, ...]:
    monkeypatch.setattr(many, "usable_cores", lambda: processes)
    monkeypatch.setattr(many, "may_fork", lambda: fork)
    return check(look).runs


@pytest.mark.parametrize("fork", [True, False])
def test_processes_say_what_one_would_in_the_same_order(look, monkeypatch, fork):
    alone = seen(look, monkeypatch, processes=1)
    assert [run.manifest for run in alone] == [f"runs/{index:03d}.run.yaml" for index in range(COUNT)]
    assert {index for index, run in enumerate(alone) if any(r.findings for r in run.results)} == {30, 70}
    assert seen(look, monkeypatch, processes=2, fork=fork) == alone


def test_reports_share_what_they_have_in_common(look, monkeypatch):
    runs = seen(look, monkeypatch, processes=2)
    assert len({id(run.results) for index, run in enumerate(runs) if index not in {30, 70}}) == 1


def test_process_that_ends_leaves_the_question_undecided(look, monkeypatch):
    monkeypatch.setattr(many.Bench, "audit", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(UndecidableError, match="ended before it had answered"):
        seen(look, monkeypatch, processes=2)


def test_error_in_a_process_is_said_in_its_words(look, monkeypatch):
    monkeypatch.setattr(many.Bench, "audit", refuse)
    with pytest.raises(UndecidableError, match="git is gone"):
        seen(look, monkeypatch, processes=2)


def refuse(*_: object) -> None:
    raise UsageError("git is gone", hint="find it")


def test_command_over_many(repository):
    manifests(repository.root)
    report = repository.auditor("check", "--checklist", "schema", "--format", "json").expect(1).json()
    assert [run["manifest"] for run in report["runs"]] == [f"runs/{index:03d}.run.yaml" for index in range(COUNT)]
    assert report["counts"]["failed"] == 2


def test_paranoid_changes_nothing_else(repository):
    manifests(repository.root)
    asked = ("check", "runs/000.run.yaml", "--format", "json")
    assert repository.auditor(*asked, "--paranoid").json() == repository.auditor(*asked).json()


def leave(bench: many.Bench, _subject: object) -> tuple[RunReport, tuple[()]]:
    (bench.scratch() / "left").write_text("behind")
    return RunReport(manifest="a", digest="b", identity="bytes", id=None), ()


def test_nothing_is_left_behind(look, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(many.Bench, "audit", leave)
    before = sorted(tmp_path.iterdir())
    seen(look, monkeypatch, processes=2)
    assert sorted(tmp_path.iterdir()) == before
