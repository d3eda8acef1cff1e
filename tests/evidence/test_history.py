from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime

import pytest

from auditor import digest
from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.git import Repository
from auditor.model.run import Code, DataSource, FileRef, Observed, Run, RunInfo


def made(commit=None, tree=None, reads=None, data=()) -> Run:
    """A run made from this code that read these files, given as path to content."""
    observed = None if reads is None else Observed(method="audit-hook", reads=tuple(map(read, reads, reads.values())))
    return Run(
        schema="auditor/run-manifest/v1",
        run=RunInfo(id="case", status="succeeded"),
        code=Code(commit=commit, tree=tree),
        observed=observed,
        data=tuple(DataSource(name=path, path=path) for path in data),
    )


def read(path, content) -> FileRef:
    return FileRef(path=path, digest=None if content is None else digest.of_bytes(content.encode()))


@pytest.fixture
def recorded(checkout):
    """A branch ``work``, one commit ahead of main, on which a run was made; gives the run's commit and tree."""
    checkout.put("README.md", "# Project\n")
    checkout.commit("begin")
    checkout.git("checkout", "-q", "-b", "work")
    checkout.put("train.py", "print(1)\n")
    commit = checkout.commit("train")
    return commit, checkout.git("rev-parse", "HEAD^{tree}")


@pytest.fixture
def fresh_clone(checkout, tmp_path):
    """Clone the branch ``work`` without the objects that nothing reaches; gives the history seen from its tip."""
    opened = []

    def clone(*options) -> History:
        target = tmp_path / f"clone-{len(opened)}"
        address = f"file://{checkout.root}"
        subprocess.run(["git", "clone", "-q", "-b", "work", *options, address, target], check=True, capture_output=True)
        opened.append(Repository(target))
        return History(opened[-1], opened[-1].commit("HEAD"))

    yield clone
    for repository in opened:
        repository.close()


READS = {"train.py": "print(1)\n", "README.md": "# Project\n"}


class TestRecordedCommit:
    def test_is_reached_and_is_the_source(self, checkout, recorded):
        commit, tree = recorded
        checkout.put("train.py", "print(2)\n")
        checkout.commit()
        history = checkout.history()
        assert history.has(commit)
        assert history.reaches(commit)
        assert history.source(made(commit, tree)) == history.source(made(commit)) == commit

    def test_on_another_branch_is_not_reached(self, checkout, recorded):
        checkout.git("checkout", "-q", "main")
        history = checkout.history()
        assert history.has(recorded[0])
        assert not history.reaches(recorded[0])

    def test_is_reached_when_kept(self, checkout, recorded):
        checkout.git("checkout", "-q", "main")
        checkout.git("update-ref", f"refs/auditor/keep/{recorded[0]}", recorded[0])
        assert checkout.history().reaches(recorded[0])

    def test_is_reached_when_what_was_made_from_it_is_kept(self, checkout, recorded):
        checkout.put("train.py", "print(2)\n")
        checkout.commit()
        judged = checkout.git("rev-parse", "HEAD").strip()
        checkout.git("checkout", "-q", "main")
        checkout.git("update-ref", f"refs/auditor/keep/{judged}", judged)
        assert checkout.history().reaches(recorded[0])

    def test_is_not_reached_by_a_keep_of_its_name_for_another_commit(self, checkout, recorded):
        checkout.git("checkout", "-q", "main")
        checkout.git("update-ref", f"refs/auditor/keep/{recorded[0]}", "HEAD")
        assert not checkout.history().reaches(recorded[0])

    def test_with_another_tree_is_no_source(self, checkout, recorded):
        assert checkout.history().source(made(recorded[0], "2" * 40)) is None

    @pytest.mark.usefixtures("recorded")
    @pytest.mark.parametrize("commit", ["1" * 40, "-x", "--output=pwned", "a\0b", "\ud800", ""])
    def test_that_is_none_is_neither_here_nor_reached_nor_dated(self, checkout, commit):
        history = checkout.history()
        assert not history.has(commit)
        assert not history.reaches(commit)
        assert history.source(made(commit, "2" * 40)) is None
        with pytest.raises(Inconclusive):
            history.authored(commit)
        assert not (checkout.root / "pwned").exists()


class TestRebase:
    def test_without_other_changes_keeps_the_tree(self, checkout, recorded, fresh_clone):
        commit, tree = recorded
        checkout.git("commit", "-q", "--amend", "-m", "train, in better words")
        history = fresh_clone()
        assert not history.has(commit)
        assert history.source(made(commit, tree)) == history.commit_with_tree(tree) == history.head

    def test_onto_a_main_that_moved_on_keeps_the_files_that_were_read(self, checkout, recorded, fresh_clone):
        commit, tree = recorded
        checkout.git("checkout", "-q", "main")
        checkout.put("LICENSE", "all yours\n")
        checkout.commit("license")
        checkout.git("checkout", "-q", "work")
        checkout.git("rebase", "-q", "main")
        history = fresh_clone()
        assert (history.has(commit), history.commit_with_tree(tree)) == (False, None)
        assert history.same_reads(made(reads=READS)) == []
        assert history.source(made(commit, tree, READS)) == history.head

    def test_onto_a_main_that_changed_what_was_read_does_not(self, checkout, recorded, fresh_clone):
        commit, tree = recorded
        checkout.git("checkout", "-q", "main")
        checkout.put("README.md", "# Another project\n")
        checkout.commit("rename")
        checkout.git("checkout", "-q", "work")
        checkout.git("rebase", "-q", "main")
        history = fresh_clone()
        assert history.same_reads(made(reads=READS)) == ["README.md"]
        assert history.source(made(commit, tree, READS)) is None


class TestSquash:
    def test_merge_keeps_the_files_that_were_read(self, checkout, recorded, fresh_clone):
        commit, tree = recorded
        checkout.put("runs/a.run.yaml", "a manifest\n")
        checkout.commit("run")
        checkout.git("checkout", "-q", "main")
        checkout.git("merge", "-q", "--squash", "work")
        checkout.commit("all at once")
        checkout.git("branch", "-M", "work")
        history = fresh_clone()
        assert (history.has(commit), history.commit_with_tree(tree)) == (False, None)
        assert history.source(made(commit, tree, READS)) == history.head
        assert history.source(made(commit, tree)) is None


@pytest.mark.usefixtures("recorded")
class TestSameReads:
    def test_declared_data_may_be_absent(self, checkout):
        run = made(reads={**READS, "data/a.csv": "1\n", "images/1.png": "2\n"}, data=["data/a.csv", "images"])
        assert checkout.history().same_reads(run) == []

    def test_other_files_may_not(self, checkout):
        run = made(reads={**READS, "images.txt": "1\n"}, data=["images"])
        assert checkout.history().same_reads(run) == ["images.txt"]

    def test_read_without_a_digest_agrees_with_nothing(self, checkout):
        assert checkout.history().same_reads(made(reads={"train.py": None, "gone.py": None})) == ["train.py", "gone.py"]

    @pytest.mark.parametrize("run", [made(), made(reads={}), made(reads={"data/a.csv": "1\n"}, data=["data/a.csv"])])
    def test_nothing_compared_is_inconclusive_and_no_source(self, checkout, run):
        with pytest.raises(Inconclusive):
            checkout.history().same_reads(run)
        assert checkout.history().source(run) is None


class TestTimes:
    def test_author_date_survives_a_rebase_and_is_utc(self, checkout, monkeypatch):
        monkeypatch.setenv("GIT_AUTHOR_DATE", "2026-01-02T03:04:05+05:00")
        commit = checkout.commit()
        monkeypatch.delenv("GIT_AUTHOR_DATE")
        checkout.git("commit", "-q", "--amend", "--allow-empty", "-m", "again")
        history = checkout.history()
        assert history.authored(commit) == history.authored("HEAD") == datetime(2026, 1, 1, 22, 4, 5, tzinfo=UTC)

    def test_date_that_no_calendar_knows_is_inconclusive(self, checkout):
        raw = checkout.git("cat-file", "commit", checkout.commit()).splitlines()
        raw = [f"author A <a@b> {10**15} +0000" if line.startswith("author") else line for line in raw]
        (checkout.root / ".git/raw").write_text("\n".join(raw) + "\n", encoding="utf-8")
        odd = checkout.git("hash-object", "-t", "commit", "-w", "--literally", os.fspath(checkout.root / ".git/raw"))
        with pytest.raises(Inconclusive, match="author date"):
            checkout.history().authored(odd)


def test_shallow_clone_lacks_the_recorded_commit(checkout, recorded, fresh_clone):
    checkout.put("more", "1\n")
    checkout.commit()
    history = fresh_clone("--depth=1")
    assert history.repository.is_shallow
    assert not history.has(recorded[0])
    assert history.source(made(*recorded, READS)) == history.head


class TestContent:
    @pytest.mark.parametrize(("target", "known"), [("../v2/real.csv", True), ("again.csv", True), ("loop.csv", False)])
    def test_of_a_link_is_what_it_leads_to_in_that_commit(self, checkout, target, known):
        checkout.put("v2/real.csv", "1\n")
        checkout.put("data/.keep", "")
        (checkout.root / "data/again.csv").symlink_to("../v2/real.csv")
        (checkout.root / "data/loop.csv").symlink_to("loop.csv")
        (checkout.root / "data/train.csv").symlink_to(target)
        commit = checkout.commit()
        found = checkout.history().content_digest(commit, "data/train.csv")
        assert found == (digest.of_bytes(b"1\n") if known else None)

    def test_of_a_link_that_leaves_is_unknown(self, checkout):
        (checkout.root / "train.csv").symlink_to("../outside.csv")
        (checkout.root / "test.csv").symlink_to("/etc/passwd")
        commit = checkout.commit()
        assert [checkout.history().content_digest(commit, name) for name in ("train.csv", "test.csv", "none")] == [None] * 3

    def test_of_a_pointer_is_the_object_s(self, checkout):
        checkout.put("a.csv", f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n")
        commit = checkout.commit()
        assert checkout.history().content_digest(commit, "a.csv") == f"sha256:{'ab' * 32}"
