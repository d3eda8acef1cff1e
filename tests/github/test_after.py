"""What comes after a merge: the third workflow that ``auditor init --ci github`` writes, run by ``act``."""

from __future__ import annotations

import pytest
from fake.server import FULL
from test_adopting import ACTION
from test_guard import served_repository
from workbench import Repo, wrong_metric

CLAIMED = {"repository": {"default_branch": "main"}}


@pytest.fixture
def after(act, tmp_path, shell):
    """Run the workflow as it is written for a repository, which is pushed to a server first."""
    server = served_repository(tmp_path)
    written = Repo(tmp_path / "written", shell).init()
    written.auditor("init", "--ci", "github", "--action", ACTION).expect(0)
    workflow = written.read(".github/workflows/audit-after.yml").replace(ACTION, "ACTION")

    def run(repo, event, payload=None, **more):
        repo.git("push", "-q", "-f", str(server), "HEAD:refs/heads/main")
        repo.git("remote", "remove", "origin") if "origin" in repo.git("remote") else None
        repo.git("remote", "add", "origin", str(server))
        repo.git("fetch", "-q", "origin", "+refs/heads/*:refs/remotes/origin/*")
        named = {"GITHUB_SERVER_URL": server.parents[1].as_uri()}
        return act.run(repo.root, workflow, event, CLAIMED | (payload or {}), room=tmp_path / "act", **named, **more)

    return run


def pushed(repo, before, ref="main"):
    sides = {"before": repo.git("rev-parse", before), "after": repo.git("rev-parse", "HEAD")}
    return sides | {"ref": f"refs/heads/{ref}"}


def test_in_an_empty_repository_a_push_is_green(after, tmp_path, shell):
    empty = Repo(tmp_path / "empty", shell).init()
    empty.auditor("init", "--ci", "github", "--action", ACTION).expect(0)
    empty.commit()
    empty.write("README.md", "# Nothing yet\n")
    empty.commit()
    ran = after(empty, "push", pushed(empty, "HEAD~1"))
    assert (ran.code, ran.jobs()) == (0, {"push": "success"}), ran
    assert "nothing to judge" in ran.summary


def test_what_was_pushed_around_the_guard_is_red(after, project):
    repo = project()
    repo.edit(wrong_metric)
    repo.commit()
    before = repo.git("rev-parse", "main")
    repo.git("checkout", "-q", "-B", "main")
    ran = after(repo, "push", pushed(repo, before))
    assert (ran.code, ran.jobs()) == (1, {"push": "failure"}), ran
    assert "metrics" in ran.summary


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_the_past_is_audited_and_its_record_kept(after, project, fake, event, tmp_path):
    repo = project(stage="merged")
    repo.checkout("main")
    repo.git(
        "push", "-q", str(tmp_path / "server" / f"{FULL}.git"), "HEAD:refs/auditor/keep/" + repo.git("rev-parse", "HEAD")
    )
    ran = after(repo, event, fake=fake)
    assert "were not fetched" not in ran.log
    assert (ran.code, ran.jobs()) == (0, {"history": "success"}), ran
    assert (ran.artifacts / "cache" / "history.v1.sqlite").is_file()
    assert (ran.artifacts / "auditor-report" / "report.json").is_file()
    assert fake.threads == {}


def test_a_release_of_what_nobody_approved_is_red(after, project):
    repo = project(stage="merged")
    repo.checkout("main")
    event = {"action": "published", "release": {"tag_name": "v1"}}
    ran = after(repo, "release", event, configured={"AUDITOR_ARTIFACTS": "out/model.npz"})
    assert ran.jobs() == {"release": "failure"}, ran
    assert "approv" in ran.summary


def test_a_release_without_named_artifacts_asks_for_nothing(after, project):
    repo = project(stage="merged")
    repo.checkout("main")
    ran = after(repo, "release", {"action": "published", "release": {"tag_name": "v1"}})
    assert (ran.code, set(ran.jobs().values())) in ((0, set()), (0, {"skipped"})), ran
