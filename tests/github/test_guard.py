"""The guard: three jobs on machines of their own, as written by ``auditor init --ci github``."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fake.server import FULL, TOKEN, served
from forgery import teach
from steps import Runner, workflow_run
from workbench import Repo, forgiving, wrong_metric

POST = "check comment code-scanning"
FORK = "stranger/widget"


@dataclass
class Guard:
    """A repository on a server, one open pull request, and the three jobs."""

    server: Path
    env: dict[str, str]
    fake: object
    room: Path
    attempt: str = "1"
    run: str = "5"
    numbers: list[int] = field(default_factory=list)

    def push(self, repo: Repo, head: str = "work", base: str = "main", *, number: int = 7, home: str = FORK) -> str:
        """Open a pull request from the fork ``home``; the head's commit."""
        sha = repo.git("rev-parse", head)
        repo.git("push", "-q", "-f", str(self.server), f"{base}:refs/heads/{base}", f"{head}:refs/pull/{number}/head")
        self.fake.open_pull(number, head=sha, base=repo.git("rev-parse", base), base_ref=base, head_repository=home)
        self.numbers.append(number)
        return sha

    def job(self, name: str, payload: object, **inputs: str):
        """Run one job of the guard on a new machine."""
        variables = {"GITHUB_SERVER_URL": self.server.parents[1].as_uri(), "GITHUB_RUN_ID": self.run}
        variables["GITHUB_RUN_ATTEMPT"] = self.attempt
        machine = self.room / f"{name}-{len(list(self.room.glob('*')))}"
        machine.mkdir(parents=True)
        return Runner(machine, self.env, self.fake, variables)(machine, payload, part=name, token=TOKEN, **inputs)

    def plan(self, payload: object):
        return self.job("plan", payload, post="check")

    def execute(self, payload: object, plan: str):
        done = self.job("execute", payload, plan=plan)
        assert done.code == 0, done.log
        return Path(done.given("evidence"))

    def judge(self, payload: object, plan: str, evidence: Path, executed: str = "success"):
        return self.job("judge", payload, plan=plan, evidence=str(evidence), executed=executed, post=POST)

    def whole(self, sha: str, home: str = FORK):
        """All three jobs."""
        event = workflow_run(sha, home)
        plan = self.plan(event).given("plan")
        return self.judge(event, plan, self.execute(event, plan))

    @property
    def check(self):
        """The last check run."""
        return self.fake.runs[max(self.fake.runs)]


def served_repository(folder: Path) -> Path:
    """An empty repository on a server that gives out any commit, as GitHub does."""
    server = folder / "server" / f"{FULL}.git"
    server.parent.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", server], check=True)
    subprocess.run(["git", "-C", server, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
    return server


@pytest.fixture
def guard(tmp_path, shell, fake):
    return Guard(served_repository(tmp_path), shell, fake, tmp_path / "machines")


@pytest.fixture(scope="module")
def honest(tmp_path_factory, templates, shell, description):
    """An honest pull request, planned and executed once: server, event, plan and evidence."""
    folder = tmp_path_factory.mktemp("honest")
    with served(description) as fake:
        first = Guard(served_repository(folder), shell, fake, folder / "machines")
        event = workflow_run(first.push(templates("network", "recorded").copy(folder / "project")), FORK)
        plan = first.plan(event).given("plan")
        evidence = first.execute(event, plan)
        assert fake.violations == []
        yield first.server, event, plan, evidence


@pytest.fixture
def judged(honest, tmp_path, shell, fake):
    """Judge that pull request by a copy of its evidence, after something was done to it."""
    server, event, plan, evidence = honest
    guard = Guard(server, shell, fake, tmp_path / "machines")
    drawn = json.loads(plan)
    fake.open_pull(7, head=drawn["head"], base=drawn["asked"][0]["base"], head_repository=FORK)

    def judge(tamper=lambda _: None, executed="success", plan=plan):
        copy = tmp_path / "evidence"
        shutil.copytree(evidence, copy)
        tamper(copy)
        return guard.judge(event, plan, copy, executed), guard

    return judge


def test_an_honest_pull_request_of_a_fork_of_a_fork_is_open(judged):
    done, guard = judged()
    assert done.code == 0, done.log
    assert done.given("verdict") == "open"
    assert (guard.check["name"], guard.check["conclusion"]) == ("auditor/main", "success")
    (comment,) = guard.fake.remarks.values()
    assert "open" in comment["body"]
    assert any(run["reproductions"] for run in done.report()["runs"])
    assert not list(done.room.glob("**/train.py")), "the judge checked something out"


def test_the_check_is_pending_until_the_judge_has_spoken(project, guard):
    sha = guard.push(project())
    guard.plan(workflow_run(sha, FORK))
    assert (guard.check["status"], guard.check["conclusion"]) == ("in_progress", None)


def test_what_may_be_merged_and_brings_a_run_is_kept(honest, judged):
    done, guard = judged()
    assert done.given("runs") == "yes"
    _, event, plan, _ = honest
    assert guard.job("keep", event, plan=plan).code == 0
    head = json.loads(plan)["head"]
    assert guard.fake.references == {f"refs/auditor/keep/{head}": head}


def test_a_token_that_may_not_keep_says_so_and_changes_no_verdict(honest, judged):
    _, guard = judged()
    guard.fake.tokens[TOKEN] = {"contents"}
    kept = guard.job("keep", honest[1], plan=honest[2])
    assert kept.code == 0
    assert "not posted: keep reference" in kept.log
    assert "contents: write" in kept.log


def test_what_was_not_open_is_not_kept(judged):
    done, _ = judged(shutil.rmtree)
    assert done.given("runs") == ""


@pytest.mark.parametrize("executed", ["cancelled", "failure", "skipped", ""])
def test_an_execution_that_did_not_succeed_is_undecided(judged, executed):
    done, guard = judged(executed=executed)
    assert (done.code, guard.check["conclusion"]) == (4, "action_required"), done.log
    assert "the job that executes ended as" in done.log


def _index(evidence: Path):
    return evidence / "0" / "bundle.json"


def _rewrite(evidence: Path, **changed: object) -> None:
    told = json.loads(_index(evidence).read_text(encoding="utf-8"))
    _index(evidence).write_text(json.dumps(told | changed), encoding="utf-8")


def _forged_outputs(evidence: Path) -> None:
    for path in (evidence / "0" / "files").iterdir():
        path.write_bytes(b"forged")


TAMPERED = {
    "missing": shutil.rmtree,
    "another attempt": lambda evidence: _rewrite(evidence, run={"id": "5", "attempt": "2"}),
    "another challenge": lambda evidence: _rewrite(evidence, challenge="0" * 32),
    "another head": lambda evidence: _rewrite(evidence, head="1" * 40),
    "another repository": lambda evidence: _rewrite(evidence, repository=FORK),
    "a forged verdict": lambda evidence: _rewrite(evidence, verdict="open"),
    "other bytes": _forged_outputs,
    "no runs": lambda evidence: _rewrite(evidence, runs=[]),
    "a path that leads out": lambda evidence: _index(evidence).write_text(
        re.sub("sha256:[0-9a-f]{64}", "../../../../etc/passwd", _index(evidence).read_text(encoding="utf-8")),
        encoding="utf-8",
    ),
    "a traversal": lambda evidence: (evidence / "0" / "files" / "..x").write_bytes(b"x"),
    "a link": lambda evidence: (evidence / "0" / "files" / ("0" * 64)).symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_evidence_that_is_not_what_was_asked_for_is_never_open(judged, how):
    done, guard = judged(TAMPERED[how])
    assert done.code in {1, 4}, done.log
    assert guard.check["conclusion"] in {"failure", "action_required"}


@pytest.mark.parametrize("changed", [{"attempt": 2}, {"run": 6}, {"repository": FORK}, {"more": 1}, None])
def test_a_plan_that_was_not_drawn_for_this_attempt_is_undecided(honest, judged, changed):
    drawn = json.loads(honest[2])
    done, guard = judged(plan="" if changed is None else json.dumps(drawn | changed))
    assert (done.code, guard.fake.runs) == (4, {}), done.log


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"pull_request": {"number": 7}},
        workflow_run("a" * 40, event="push"),
        workflow_run("$(id)"),
        workflow_run("a" * 40, head_repository=None),
        workflow_run("a" * 40, "../.."),
        workflow_run("a" * 40, event="merge_group", head_branch="gh-readonly-queue/main/pr-7"),
        workflow_run("a" * 40),
    ],
    ids=["empty", "another event", "push", "no commit", "deleted fork", "odd fork", "odd queue", "no pull request"],
)
def test_an_event_that_leads_nowhere_plans_nothing(guard, payload):
    done = guard.plan(payload)
    assert (done.code, done.given("plan")) == (4, ""), done.log
    assert guard.fake.runs == {}


def test_a_base_that_was_pushed_over_is_taken_where_it_stands_now(project, guard):
    repo = project()
    sha = guard.push(repo)
    repo.checkout("main")
    repo.write("notes.txt", "moved on")
    tip = repo.commit()
    repo.git("push", "-q", "-f", str(guard.server), "main:main")
    drawn = json.loads(guard.plan(workflow_run(sha, FORK)).given("plan"))
    assert drawn["asked"] == [{"branch": "main", "base": tip, "numbers": [7]}]


def test_each_branch_has_a_check_of_its_own(project, guard):
    repo = project()
    sha = guard.push(repo)
    repo.git("branch", "lax", "main")
    repo.checkout("lax")
    repo.policy(lambda policy: policy.update(mode="report-only"))
    repo.commit()
    repo.checkout("work")
    guard.push(repo, base="lax", number=8)
    done = guard.whole(sha)
    assert done.code == 0, done.log
    assert {run["name"] for run in guard.fake.runs.values()} == {"auditor/main", "auditor/lax"}
    assert len(guard.fake.remarks) == 2


def test_a_pull_request_that_is_retargeted_is_judged_against_its_new_base(project, guard):
    repo = project()
    sha = guard.push(repo)
    repo.git("branch", "strict", "main")
    repo.checkout("strict")
    repo.policy(lambda policy: policy.update(severities={"data/unlicensed-dataset": "blocker"}))
    tip = repo.commit()
    repo.git("push", "-q", str(guard.server), "strict")
    (pull,) = guard.fake.requests
    pull |= {"base_ref": "strict", "base": tip}
    event = workflow_run(sha, FORK)
    plan = guard.plan(event).given("plan")
    assert [(asked["branch"], asked["base"]) for asked in json.loads(plan)["asked"]] == [("strict", tip)]
    done = guard.judge(event, plan, guard.execute(event, plan))
    assert (done.code, guard.check["name"], guard.check["conclusion"]) == (1, "auditor/strict", "failure"), done.log


def test_a_merge_queue_is_judged_against_the_commit_that_it_stands_on(project, guard):
    repo = project()
    base = repo.git("rev-parse", "main")
    sha = guard.push(repo, home=FULL)
    event = workflow_run(sha, FULL, event="merge_group", head_branch=f"gh-readonly-queue/main/pr-7-{base}")
    plan = guard.plan(event).given("plan")
    done = guard.judge(event, plan, guard.execute(event, plan))
    assert done.code == 0, done.log
    assert guard.check["name"] == "auditor/main"


def _rules(repo: Repo) -> None:
    """Bring rules that would let it pass: a policy, tolerances, bands, checks of its own."""
    repo.policy(forgiving)
    repo.policy(lambda policy: policy["tolerances"].update(metrics={"*": {"absolute": 1.0, "relative": 1.0}}))
    wide = teach(repo, {"of": "metric:*", "n": 8, "mean": 0.5, "s": 0.5})
    repo.write("bands/mine.band.json", json.dumps(wide))
    repo.policy(lambda policy: policy.update(bands=["bands/mine.band.json"]))
    repo.write("checks/metrics/wrong_metric.py", "def check(run):\n    return ()\n")
    repo.policy(lambda policy: policy.update(checks=["checks"]))


def _programs(repo: Repo) -> None:
    """Bring code and settings that something might run: imports, workflows, filters, submodules, names that are commands."""
    for name in ("conftest.py", "sitecustomize.py", "auditor/__init__.py", "click.py"):
        repo.write(name, "import os; os._exit(0)\n")
    repo.write(".github/workflows/audit.yml", "on: pull_request\njobs: {judge: {runs-on: x, steps: [{run: true}]}}\n")
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil export-ignore\n")
    repo.write(".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch /tmp/pwned"\n')
    repo.write("$(touch pwned)`touch pwned`](x)", "")


@pytest.mark.parametrize("attack", [_rules, _programs])
def test_what_a_pull_request_brings_along_does_not_talk_the_guard_out_of_it(project, guard, attack):
    """Any one of these that worked would make the wrong metric pass, so that they are tried together."""
    repo = project()
    repo.edit(wrong_metric)
    attack(repo)
    repo.commit()
    done = guard.whole(guard.push(repo))
    assert (done.code, guard.check["conclusion"]) == (1, "failure"), done.log
    assert "metrics/wrong-metric" in done.given("blocked-by")
    assert not list(guard.room.rglob("pwned"))


def test_a_pull_request_that_rewrites_the_reference_run_is_blocked(project, guard):
    repo = project(stage="merged")
    repo.edit(lambda claims: claims["metrics"][0].update(value=0.5))
    repo.commit()
    done = guard.whole(guard.push(repo, head="next"))
    assert done.code == 1, done.log
    assert "governance/rewritten-run" in done.given("blocked-by")


@pytest.mark.parametrize("executed", ["success", "failure"])
def test_the_workflows_that_init_writes_run_from_end_to_end(project, guard, act, tmp_path, executed):
    repo = project()
    sha = guard.push(repo)
    written = Repo(tmp_path / "empty", guard.env).init()
    written.auditor("init", "--ci", "github", "--action", f"octo/auditor@{act.sha}").expect(0)
    workflow = written.read(".github/workflows/audit.yml")
    if executed == "failure":
        workflow = workflow.replace("part: execute", "part: nonsense")
    written.commit()
    server = guard.server.parents[1].as_uri()
    event = workflow_run(sha, FORK)
    ran = act.run(
        written.root, workflow, "workflow_run", event, fake=guard.fake, room=tmp_path / "act", GITHUB_SERVER_URL=server
    )
    assert ran.commands == []
    if executed == "failure":
        assert (ran.code, guard.check["conclusion"]) == (1, "action_required"), ran
        assert guard.fake.references == {}
        return
    assert ran.code == 0, ran
    assert ran.jobs() == {"plan": "success", "execute": "success", "judge": "success", "keep": "success"}
    assert guard.fake.references == {f"refs/auditor/keep/{sha}": sha}
    assert guard.check["conclusion"] == "success"
    (comment,) = guard.fake.remarks.values()
    assert "auditor: open" in ran.summary
    assert "open" in comment["body"]
    assert (ran.artifacts / "auditor-report" / "report.json").is_file()
