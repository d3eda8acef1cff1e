"""Follows "Adopt in an afternoon" of the README to the letter, in a repository that is not ours."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import checks, wrong_metric

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def foreign(project):
    """A project with its data and no policy, on ``main``; the README's commands are run in it."""
    repo = project("network", "started")
    repo.checkout("main")
    repo.git("rm", "--quiet", "auditor.yaml")
    repo.commit("Never heard of the auditor")
    return repo


def commands(block: str) -> list[str]:
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def blocks() -> list[list[str]]:
    adopt = README[README.index("## Adopt in an afternoon") : README.index("## What a gate does")]
    return [commands(block) for block in re.findall(r"```\n(.*?)```", adopt, re.DOTALL)]


def follow(repo, line: str) -> subprocess.CompletedProcess[str]:
    """Run one line of the README in a shell in which ``auditor`` and ``python`` are this environment's."""
    here = Path(sys.executable).parent
    line = re.sub(r"^auditor ", f"{shlex.quote(sys.executable)} -m auditor ", line)
    return subprocess.run(
        ["bash", "-c", line],
        cwd=repo.root,
        env=repo.env | {"PATH": f"{here}{os.pathsep}{repo.env['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_observe_then_gate(foreign):
    install, observe = blocks()
    assert install == ["pip install ml-run-auditor", "auditor init"]
    assert follow(foreign, install[1]).returncode == 0
    # The first edit that the README asks for.
    foreign.policy(lambda policy: policy.update(mode="report-only"))
    foreign.commit("Observe")
    foreign.branch("first-run")
    done = [follow(foreign, line) for line in observe]
    assert [answer.returncode for answer in done] == [0] * len(observe), done
    assert "open" in done[-1].stdout.splitlines()[-1]
    # Nothing can turn red, whatever it finds.
    foreign.edit(wrong_metric)
    foreign.commit("Dream")
    report = foreign.gate().expect(0).json()
    assert (report["verdict"], report["exit"]) == ("blocked", 0)
    assert "metrics/wrong-metric" in checks(report, "failed")
    # The second one; then the gate means what it says.
    foreign.checkout("main")
    foreign.policy(lambda policy: policy.update(mode="enforce"))
    foreign.commit("Gate")
    foreign.git("checkout", "--quiet", "first-run")
    foreign.git("rebase", "--quiet", "main")
    foreign.gate().expect(1)
    foreign.git("reset", "--quiet", "--hard", "HEAD~1")
    foreign.gate().expect(0)


def test_every_command_is_shown_with_its_help():
    shown = set(re.findall(r"<summary><code>auditor (\S+) --help", README))
    assert {"demo", "init", "record", "check", "reproduce", "compare", "checks", "explain"} <= shown
