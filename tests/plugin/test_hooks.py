"""The hook for pre-commit: which files it is given, and what it does with them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import load_yaml, wrong_metric

ROOT = Path(__file__).resolve().parents[2]
(HOOK,) = load_yaml((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_it_is_a_hook_that_pre_commit_accepts():
    # The keys that `pre-commit validate-manifest` requires, and those of its optional ones that are used here.
    assert {"id", "name", "entry", "language"} <= set(HOOK)
    assert set(HOOK) <= {"id", "name", "entry", "language", "description", "files", "require_serial"}
    assert re.fullmatch(r"[a-z][a-z-]*", HOOK["id"])
    assert HOOK["language"] == "python"


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("runs/20260301-120000-train.run.yaml", True),
        ("runs/2026/a.run.json", True),
        ("runs/a.run.yml", False),
        ("conf/run.yaml", False),
        ("runs/a.run.yaml.orig", False),
    ],
)
def test_it_is_given_manifests(path, given):
    assert bool(re.search(HOOK["files"], path)) is given


def test_it_lets_an_honest_run_pass_and_stops_a_changed_one(project):
    repo = project("logistic")

    def commit():
        # As pre-commit does: the entry, then the changed files that match.
        command = [sys.executable, "-m", *shlex.split(HOOK["entry"]), repo.manifest]
        return subprocess.run(command, cwd=repo.root, env=repo.env, capture_output=True, check=False).returncode

    assert commit() == 0
    repo.edit(wrong_metric)
    assert commit() == 1
