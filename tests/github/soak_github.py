"""What takes a download and a minute each: the action installs itself, and GitHub's own rules for SARIF. For `make soak`."""

from __future__ import annotations

import json
import os
import subprocess

from steps import pull_request
from test_action import PYTHON, SILENT
from workbench import wrong_metric

MULTITOOL = "@microsoft/sarif-multitool-linux@5.7.0"


def test_the_action_installs_what_its_lock_names(project, act, tmp_path):
    """Without the stand-in for setup-python, so that action.yml makes its own environment, from the package index."""
    repo = project(stage="started")
    repo.write("notes.txt", "nothing that anybody judges")
    repo.commit()
    workflow = SILENT.replace(f"      - uses: {PYTHON}\n", "")
    proxies = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_")) or "proxy" in name.lower()
    }
    ran = act.run(repo.root, workflow, "pull_request", pull_request(repo), room=tmp_path / "act", **proxies)
    assert ran.code == 0, ran
    assert ran.outputs("gate")["verdict"] == "open"


def test_github_s_rules_for_code_scanning_are_kept(project, tmp_path):
    room = tmp_path / "npm"
    room.mkdir()
    subprocess.run(["npm", "install", "--silent", "--prefix", room, MULTITOOL], check=True)
    (tool,) = (path for path in room.rglob("Sarif.Multitool") if path.is_file())
    tool.chmod(0o755)
    repo = project()
    repo.edit(wrong_metric)
    repo.commit()
    repo.auditor("gate", "merge", "--base", "main", "--output", "sarif:report.sarif").expect(1)
    asked = ["validate", "report.sarif", "--output", "found.sarif", "--log", "ForceOverwrite"]
    asked += ["--level", "Error;Warning", "--rule-kind", "Sarif;Ghas"]
    env = os.environ | {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    subprocess.run([tool, *asked], cwd=repo.root, env=env, check=True, capture_output=True)
    # Its exit code is 0 whatever it found; a result without a level is a warning.
    (run,) = json.loads((repo.root / "found.sarif").read_text(encoding="utf-8-sig"))["runs"]
    found = {each["ruleId"]: each["message"] for each in run.get("results", ())}
    # The one wish, no rule of GitHub's: an address of the project, which has none of its own yet.
    assert found.keys() <= {"SARIF2005"}, found
