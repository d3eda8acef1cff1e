"""A ledger on a branch: real repositories, and two clones that push at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from auditor.errors import BrokenLedgerError, LedgerError
from auditor.git import Repository
from auditor.ledger import branch
from auditor.ledger.ledger import open_ledger

SUBJECT = "sha256:" + 64 * "a"


@pytest.fixture
def clones(repository, tmp_path):
    """Two clones of one bare repository."""
    repository.write("file", "content")
    repository.commit()
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    made = []
    for name in ("one", "two"):
        repository.git("clone", "--quiet", str(tmp_path / "bare"), str(tmp_path / name))
        made.append(tmp_path / name)
    return made


class Clone:
    def __init__(self, root: Path) -> None:
        self.repository = Repository.discover(root)
        self.ledger = open_ledger(None, self.repository)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.ledger.close()
        self.repository.close()

    def say(self, words, key=None):
        return self.ledger.append("access", subject=SUBJECT, body={"words": words}, key=key)

    def push(self, key=None):
        return branch.push(self.ledger, self.repository, "origin", key)

    def pull(self):
        return branch.pull(self.ledger, self.repository, "origin")

    @property
    def words(self):
        return [entry.body.get("words") for entry in self.ledger.entries()]


def test_what_one_clone_pushes_the_other_pulls_with_the_same_digests(clones, key):
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        assert two.pull() == branch.Merged()
        one.say("a", key)
        one.say("b")
        assert one.push().sent == 2
        assert one.push().sent == 0
        assert two.pull().received == 2
        assert list(two.ledger.entries()) == list(one.ledger.entries())
        assert two.ledger.verify().broken is None
        assert one.repository.run("status", "--porcelain") == b""


def test_entries_of_both_survive_when_both_wrote(clones, key):
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        one.say("a")
        one.push()
        two.pull()
        one.say("b", key)
        two.say("c", key)
        one.push()
        done = two.push()
        assert (done.received, done.moved, done.sent) == (1, 1, 1)
        assert two.words == ["a", "b", "c"]
        assert one.pull().received == 1
        assert one.words == two.words
        assert [entry.is_signed() for entry in one.ledger.entries()] == [True, True, True]
        assert one.ledger.verify().broken is None
        assert two.ledger.verify().broken is None


def test_a_checkpoint_about_places_that_changed_is_withdrawn(clones, key):
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        one.say("a")
        two.say("b")
        two.ledger.checkpoint(key)
        one.push(key)
        done = two.push(key)
        assert done.withdrawn == 1
        verified = two.ledger.verify()
        assert verified.broken is None
        assert verified.checkpoint.sequence == verified.entries


def test_two_clones_push_at_once(clones):
    failures = []

    def work(root, name):
        try:
            with Clone(root) as clone:
                for number in range(6):
                    clone.say(f"{name}{number}")
                    clone.push()
        except Exception as error:  # noqa: BLE001  (said in the test's own thread)
            failures.append(error)

    threads = [threading.Thread(target=work, args=(root, name)) for root, name in zip(clones, "xy", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        one.pull()
        two.pull()
        assert one.words == two.words
        assert sorted(one.words) == sorted(f"{name}{number}" for name in "xy" for number in range(6))
        assert one.ledger.verify().broken is None


def test_a_branch_of_several_segments_is_written_once_each(clones, monkeypatch):
    monkeypatch.setattr(branch, "SEGMENT", 3)
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        for number in range(4):
            one.say(str(number))
        one.push()
        first = one.repository.entries("refs/auditor/ledger/origin")
        for number in range(4, 8):
            one.say(str(number))
        one.push()
        second = one.repository.entries("refs/auditor/ledger/origin")
        assert (len(first), len(second)) == (2, 3)
        assert first["entries/000000000001.jsonl"] == second["entries/000000000001.jsonl"]
        two.pull()
        assert two.words == [str(number) for number in range(8)]


def test_a_rewritten_branch_is_refused(clones):
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        one.say("a")
        one.push()
        two.pull()
        (clones[0] / ".git/auditor/ledger.db").unlink()
        one.repository.run("push", "--quiet", "origin", "+HEAD:refs/heads/auditor-ledger")
        with pytest.raises(BrokenLedgerError, match="rewritten"):
            two.pull()
        one.repository.run("push", "--quiet", "origin", ":refs/heads/auditor-ledger")
        with pytest.raises(BrokenLedgerError, match="no branch"):
            two.pull()


@pytest.mark.parametrize("spoil", [lambda line: line.replace(b'"a"', b'"b"'), lambda line: line[:-9], lambda _: b"{}\n"])
def test_a_spoilt_branch_is_refused(clones, spoil):
    with Clone(clones[0]) as one, Clone(clones[1]) as two:
        one.say("a")
        one.push()
        path = "entries/000000000001.jsonl"
        content = one.repository.read("refs/auditor/ledger/origin", path)
        sha = one.repository.run("hash-object", "-w", "--stdin", stdin=spoil(content + content)).decode().strip()
        folder = one.repository.run("mktree", stdin=f"100644 blob {sha}\t000000000001.jsonl\n".encode()).decode().strip()
        tree = one.repository.run("mktree", stdin=f"040000 tree {folder}\tentries\n".encode()).decode().strip()
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        commit = one.repository.run(*identity, "commit-tree", tree, "-m", "x").decode().strip()
        one.repository.run("push", "--quiet", "origin", f"+{commit}:refs/heads/auditor-ledger")
        with pytest.raises(BrokenLedgerError):
            two.pull()
        assert two.words == []


def test_a_tail_cut_off_here_is_seen_by_what_was_pushed(clones):
    with Clone(clones[0]) as one:
        one.say("a")
        one.say("b")
        one.push()
        one.ledger.replace_tail(1, [], onto=one.ledger.head)
        assert one.ledger.verify().broken is None
        found = one.ledger.verify(pushed=branch.last_pushed(one.repository)).broken
        assert found is not None
        assert found.sequence == 2


def test_an_unreachable_remote_is_said(clones):
    with Clone(clones[0]) as one:
        one.say("a")
        one.repository.run("remote", "set-url", "origin", "/nonexistent")
        with pytest.raises(LedgerError, match="cannot be fetched"):
            one.push()
