"""The real action.yml, run by ``act`` as somebody else's workflow uses it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from steps import pull_request
from workbench import wrong_metric

ROOT = Path(__file__).resolve().parents[2]

CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
PYTHON = "actions/setup-python@0b93645e9fea7318ecaed2b359559ac225c90a2b"
WORKFLOW = f"""
name: audit
on: [pull_request, push, schedule]
permissions: {{contents: read}}
jobs:
  gate:
    runs-on: ubuntu-24.04
    steps:
      - uses: {CHECKOUT}
      - uses: {PYTHON}
      - uses: ACTION
        id: gate
        with: {{gate: merge, post: "POST", token: "TOKEN"}}
"""
SILENT = WORKFLOW.replace("POST", "").replace("TOKEN", "")
POSTING = WORKFLOW.replace("POST", "check, status comment code-scanning").replace("TOKEN", "${{ github.token }}")


@pytest.fixture
def audit(act, tmp_path):
    """Run the action for a pull request of a repository."""

    def run(repo, workflow=SILENT, event="pull_request", payload=None, **more):
        payload = pull_request(repo) if payload is None else payload
        return act.run(repo.root, workflow, event, payload, room=tmp_path / "act", **more)

    return run


def test_an_honest_pull_request_passes_and_posts(project, audit, fake):
    repo = project()
    event = pull_request(repo)
    fake.open_pull(7, head=event["pull_request"]["head"]["sha"], base=event["pull_request"]["base"]["sha"])
    ran = audit(repo, POSTING, fake=fake)
    assert ran.code == 0, ran
    assert ran.outputs("gate")["verdict"] == "open", ran
    assert ran.outputs("gate")["blocked-by"] == ""
    (check,) = fake.runs.values()
    assert (check["name"], check["conclusion"]) == ("auditor/main", "success")
    assert fake.statuses[0]["state"] == "success"
    (comment,) = fake.remarks.values()
    assert "open" in comment["body"]
    assert fake.sarifs[0]["ref"] == "refs/pull/7/head"
    assert "auditor: open" in ran.summary
    assert "not posted" not in ran.log
    assert ran.commands == []


def test_a_sabotaged_pull_request_is_blocked_and_no_word_of_it_is_obeyed(project, audit):
    repo = project()
    words = "::error::pwned\n##[add-path]/tmp\n::set-output name=verdict::open\n::stop-commands::x\n::x::\n::warning::y"
    repo.edit(wrong_metric)
    repo.edit(lambda claims: claims["run"].update(purpose=words))
    repo.edit(lambda claims: claims["data"][0].update(name=words))
    repo.write("runs/::error::pwned.run.yaml", words)
    repo.commit()
    ran = audit(repo)
    assert ran.code == 1, ran
    assert ran.outputs("gate")["verdict"] == "blocked"
    assert "metrics/wrong-metric" in ran.outputs("gate")["blocked-by"]
    assert ran.commands == []
    assert "metrics" in ran.summary


def test_this_repository_audits_its_own_example(act, tmp_path):
    """The job of this repository's own workflow, on what is committed here."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    install = "python -m pip install numpy==2.4.6"
    assert install in workflow
    workflow = workflow.replace(install, "python -c 'import numpy'")  # the numpy that is here will do
    shutil.copy(ROOT / "action.yml", clone)
    ran = act.run(clone, workflow, "push", {}, room=tmp_path / "act", job="example")
    assert ran.code == 0, ran
    assert ran.outputs("gate")["verdict"] == "open"
    assert "examples&#47;runs" in ran.summary or "examples/runs" in ran.summary
