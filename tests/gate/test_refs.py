from __future__ import annotations

import json
import subprocess

import pytest

from auditor.errors import UndecidableError, UsageError
from auditor.gate.refs import default_branch, in_ci, resolve
from auditor.git import Repository


class Checkout:
    """A repository with a main of one commit, a branch ``work`` of two more, and short names for commits."""

    def __init__(self, root):
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.main = self.commit("main")
        self.git("checkout", "-q", "-b", "work")
        self.first = self.commit("first")
        self.head = self.commit("second")
        self.opened = Repository(root)

    def git(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, words):
        self.git("commit", "-q", "--allow-empty", "-m", words)
        return self.git("rev-parse", "HEAD")

    def refs(self, head=None, base=None, policy_ref=None):
        return resolve(self.opened, head=head, base=base, policy_ref=policy_ref)


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path / "checkout")
    yield made
    made.opened.close()


@pytest.fixture
def event(tmp_path, monkeypatch):
    def write(payload, *, actions="true"):
        path = tmp_path / "event.json"
        path.write_text(payload if isinstance(payload, str) else json.dumps(payload), encoding="utf-8")
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
        monkeypatch.setenv("GITHUB_ACTIONS", actions)

    return write


class TestBase:
    def test_given_one_wins_over_everything(self, checkout, event):
        event({"pull_request": {"base": {"sha": checkout.main}, "head": {"sha": checkout.head}}})
        assert checkout.refs(base="work~1").base == checkout.first

    def test_event_wins_over_the_remote(self, checkout, event):
        checkout.git("update-ref", "refs/remotes/origin/HEAD", checkout.main)
        event({"pull_request": {"base": {"sha": checkout.first}}})
        assert checkout.refs().base == checkout.first

    def test_remote_wins_over_main(self, checkout):
        checkout.git("update-ref", "refs/remotes/origin/trunk", checkout.first)
        checkout.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
        refs = checkout.refs()
        assert (refs.base, refs.named) == (checkout.first, "refs/remotes/origin/HEAD")

    def test_main_wins_over_master_and_master_over_nothing(self, checkout):
        checkout.git("branch", "master", checkout.first)
        assert checkout.refs().base == checkout.main
        checkout.git("branch", "-D", "main")
        assert checkout.refs().base == checkout.first

    def test_tag_called_main_is_no_branch(self, checkout):
        checkout.git("branch", "-D", "main")
        checkout.git("tag", "main", checkout.first)
        assert default_branch(checkout.opened) is None

    def test_none_is_undecidable_with_a_way_out(self, checkout):
        checkout.git("branch", "-D", "main")
        with pytest.raises(UndecidableError, match="no base to compare with") as caught:
            checkout.refs()
        assert "--base" in caught.value.hint
        assert caught.value.exit == 4

    @pytest.mark.parametrize("base", ["nonsense", "-x", "--all", "", "main\0", "0" * 40])
    def test_one_that_names_no_commit_is_undecidable_not_ignored(self, checkout, base):
        checkout.git("branch", "-D", "main")
        with pytest.raises(UndecidableError):
            checkout.refs(base=base)

    def test_unrelated_history_is_undecidable(self, checkout):
        checkout.git("checkout", "-q", "--orphan", "other")
        checkout.commit("other")
        with pytest.raises(UndecidableError, match="no common ancestor"):
            checkout.refs(base="main")


class TestHead:
    def test_is_the_commit_checked_out(self, checkout):
        refs = checkout.refs()
        assert (refs.head, refs.fork) == (checkout.head, checkout.main)

    def test_detached_head_is_one(self, checkout):
        checkout.git("checkout", "-q", "--detach", checkout.first)
        assert checkout.refs().head == checkout.first

    def test_event_names_the_commit_behind_the_merge(self, checkout, event):
        event({"pull_request": {"base": {"sha": checkout.main}, "head": {"sha": checkout.first}}})
        assert checkout.refs().head == checkout.first
        assert checkout.refs(head="HEAD").head == checkout.head

    @pytest.mark.parametrize("head", ["nonsense", "-x", "--all"])
    def test_given_one_that_names_no_commit_is_wrong_usage(self, checkout, head):
        with pytest.raises(UsageError, match="names no commit"):
            checkout.refs(head=head)

    def test_repository_without_a_commit_says_so(self, tmp_path):
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        with Repository(tmp_path) as empty, pytest.raises(UsageError, match="no commit yet"):
            resolve(empty, head=None, base=None, policy_ref=None)


class TestPolicyRef:
    def test_is_the_tip_of_the_base_not_the_merge_base(self, checkout):
        checkout.git("checkout", "-q", "main")
        tip = checkout.commit("main moved on")
        checkout.git("checkout", "-q", "work")
        refs = checkout.refs()
        assert (refs.fork, refs.base, refs.policy) == (checkout.main, tip, tip)

    def test_given_one_changes_neither_base_nor_fork(self, checkout):
        refs = checkout.refs(policy_ref="work~1")
        assert (refs.policy, refs.base, refs.fork) == (checkout.first, checkout.main, checkout.main)


class TestEvent:
    def test_merge_group_has_its_own_names(self, checkout, event):
        event({"merge_group": {"head_sha": checkout.first, "base_sha": checkout.main}})
        refs = checkout.refs()
        assert (refs.head, refs.base) == (checkout.first, checkout.main)

    @pytest.mark.parametrize(
        "payload", [{"ref": "refs/heads/main"}, [], "null", {"pull_request": None}, {"pull_request": {}}]
    )
    def test_event_that_compares_nothing_leaves_it_to_the_repository(self, checkout, event, payload):
        event(payload)
        refs = checkout.refs()
        assert (refs.head, refs.base) == (checkout.head, checkout.main)

    def test_payload_outside_of_actions_is_ignored(self, checkout, event):
        event({"pull_request": {"base": {"sha": checkout.first}}}, actions="")
        assert checkout.refs().base == checkout.main

    @pytest.mark.parametrize("payload", ["", "{", "\x00"])
    def test_broken_payload_is_undecidable(self, checkout, event, payload):
        event(payload)
        with pytest.raises(UndecidableError, match="cannot be read"):
            checkout.refs()

    def test_missing_payload_is_undecidable(self, checkout, monkeypatch):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_EVENT_PATH", "/nonexistent/event.json")
        with pytest.raises(UndecidableError, match="cannot be read"):
            checkout.refs()

    def test_base_that_was_not_fetched_is_undecidable(self, checkout, event):
        event({"pull_request": {"base": {"sha": "1" * 40}, "head": {"sha": checkout.head}}})
        with pytest.raises(UndecidableError, match="names no commit in this clone"):
            checkout.refs()


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("1", True), ("TRUE", True), ("", False), ("false", False)])
def test_continuous_integration_is_known_by_its_variable(monkeypatch, value, expected):
    monkeypatch.setenv("CI", value)
    assert in_ci() is expected


class TestShallowClone:
    """What actions/checkout leaves by default: one commit, the merge of the pull request into its base."""

    @pytest.fixture
    def shallow(self, checkout, tmp_path):
        checkout.git("config", "uploadpack.allowAnySHA1InWant", "true")
        checkout.git("checkout", "-q", "main")
        checkout.commit("main moved on")
        checkout.git("merge", "-q", "--no-edit", "work")
        clone = tmp_path / "clone"
        subprocess.run(["git", "clone", "-q", "--depth=1", checkout.root.as_uri(), clone], check=True)
        with Repository(clone) as opened:
            yield opened

    def test_is_completed_before_anything_is_undecided(self, checkout, shallow, event):
        base = checkout.git("rev-parse", "main^1")
        event({"pull_request": {"base": {"sha": base}, "head": {"sha": checkout.head}}})
        refs = resolve(shallow, head=None, base=None, policy_ref=None)
        assert (refs.head, refs.base, refs.fork) == (checkout.head, base, checkout.main)
        assert not shallow.is_shallow

    def test_without_its_base_is_undecided(self, checkout, shallow, event):
        event({"pull_request": {"base": {"sha": "1" * 40}, "head": {"sha": checkout.head}}})
        with pytest.raises(UndecidableError):
            resolve(shallow, head=None, base=None, policy_ref=None)

    def test_of_a_person_is_left_alone(self, checkout, shallow):
        with pytest.raises(UndecidableError, match="no commit in this clone"):
            resolve(shallow, head=None, base=checkout.first, policy_ref=None)
        assert shallow.is_shallow


def test_a_push_is_compared_with_what_was_there_before(checkout, event):
    event({"before": checkout.first, "after": checkout.head, "ref": "refs/heads/work"})
    refs = checkout.refs()
    assert (refs.base, refs.head) == (checkout.first, checkout.head)
    event({"before": "0" * 40, "after": checkout.head, "ref": "refs/heads/work"})
    assert checkout.refs().base == checkout.main


def test_a_bare_repository_is_judged_without_a_work_tree(checkout, tmp_path):
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", checkout.root, bare], check=True)
    with Repository.discover(bare) as repository:
        assert repository.is_bare
        assert resolve(repository, head=checkout.head, base="main", policy_ref=None).fork == checkout.main
