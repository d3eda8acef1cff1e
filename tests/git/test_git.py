from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from auditor.errors import UsageError
from auditor.git import Change, Repository

NAMES = [
    "with space.csv",
    "new\nline.csv",
    "carriage\r",
    "carriage",
    "tab\tand\"quote'.csv",
    "-begins-with-a-dash",
    "caf\u00e9.csv",
    "not-utf8-\udcff\udcfe.csv",
    "deep/er/a b/c\nd.csv",
    "ends missing",
    "HEAD:colon",
    "*glob[1]?.csv",
]
"""As Python sees them: bytes that are not UTF-8 are surrogate escapes."""


HOSTILE = [
    *("core.fsmonitor", "core.pager", "core.editor", "core.askPass", "core.sshCommand", "gpg.program", "diff.external"),
    *("diff.spy.command", "diff.spy.textconv", "uploadpack.packObjectsHook", "pager.log", "alias.log", "credential.helper"),
]
"""Settings that name a program."""


def git(where: Path, *arguments: str, **variables: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=where, check=True, capture_output=True, env={**os.environ, **variables}, text=True
    )
    return done.stdout.strip()


def put(root: Path, name: str, content: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content.encode())


def commit(root: Path, words: str = "more", **variables: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", words, **variables)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def root(tmp_path):
    """An empty repository."""
    where = tmp_path / "root"
    where.mkdir()
    git(where, "init", "-q", "-b", "main")
    return where


@pytest.fixture
def opened(root):
    with Repository.discover(root) as repository:
        yield repository


class TestNames:
    @pytest.fixture
    def head(self, root):
        for name in NAMES:
            put(root, name, f"content of {name!r}\n")
        return commit(root)

    @pytest.mark.parametrize("name", NAMES, ids=ascii)
    def test_every_name_is_listed_and_read(self, opened, head, name):
        content = f"content of {name!r}\n".encode()
        assert opened.read(head, name) == content
        listed, single = opened.entries(head)[name], opened.entry(head, name)
        assert listed == single
        assert (listed.kind, listed.mode, listed.size) == ("blob", "100644", len(content))
        assert opened.read_object(listed.sha) == content

    def test_nothing_else_is_listed(self, opened, head):
        assert sorted(opened.entries(head)) == sorted(NAMES)

    @pytest.mark.parametrize(
        "name",
        [
            "absent",
            "carriage\r\r",
            "absent\n",
            "a\0b",
            "carriage\0x",
            "",
            "deep",
            "deep/er/",
            "../x",
            "./../x",
            "deep/../..",
            "\ud800",
            "x" * 200_000,
            "x\n" * 100_000,
        ],
    )
    def test_what_is_no_file_is_none(self, opened, head, name):
        assert opened.read(head, name) is None
        # ... and the reading process is still in step.
        assert opened.read(head, "carriage") == b"content of 'carriage'\n"

    def test_renames_are_followed_whatever_the_names(self, root, opened, head):
        put(root, "added\n", "new\n")
        (root / "carriage").unlink()
        (root / "with space.csv").rename(root / "moved\nspace.csv")
        put(root, "caf\u00e9.csv", "other\n")
        assert sorted(opened.changes(head, commit(root)), key=lambda change: change.path) == [
            Change(status="A", path="added\n"),
            Change(status="M", path="caf\u00e9.csv"),
            Change(status="D", path="carriage"),
            Change(status="R", path="moved\nspace.csv", former="with space.csv"),
        ]

    def test_rename_with_an_edit_is_no_rename(self, root, opened):
        put(root, "a.csv", "1\n" * 100)
        before = commit(root)
        (root / "a.csv").unlink()
        put(root, "b.csv", "1\n" * 99 + "2\n")
        assert {(c.status, c.path) for c in opened.changes(before, commit(root))} == {("D", "a.csv"), ("A", "b.csv")}


class TestEntries:
    def test_link_is_known_as_one_and_its_content_is_where_it_leads(self, root, opened):
        put(root, "real.csv", "1\n")
        (root / "link.csv").symlink_to("real.csv")
        head = commit(root)
        assert opened.entry(head, "link.csv").is_link
        assert not opened.entry(head, "real.csv").is_link
        assert opened.read(head, "link.csv") == b"real.csv"

    def test_submodule_has_no_size_and_no_bytes(self, root, opened):
        commit(root)
        git(root, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
        git(root, "commit", "-q", "-m", "submodule")
        head = git(root, "rev-parse", "HEAD")
        assert opened.entries(head)["vendor"].kind == "commit"
        assert opened.entries(head)["vendor"].size is None
        assert opened.read(head, "vendor") is None

    def test_empty_file_is_a_file(self, root, opened):
        put(root, "empty", "")
        assert opened.read(commit(root), "empty") == b""

    def test_bytes_are_those_of_the_object_not_of_the_checkout(self, root, opened):
        git(root, "config", "core.autocrlf", "true")
        put(root, "data.csv", "a\r\nb\r\n")
        assert opened.read(commit(root), "data.csv") == b"a\nb\n"

    def test_object_that_is_not_in_this_clone_is_listed_without_a_size(self, root, opened):
        put(root, "data.csv", "some data\n")
        put(root, "other.csv", "other\n")
        head = commit(root)
        sha = git(root, "rev-parse", "HEAD:data.csv")
        (root / ".git" / "objects" / sha[:2] / sha[2:]).unlink()
        assert {path: entry.size for path, entry in opened.entries(head).items()} == {"data.csv": None, "other.csv": 6}
        assert opened.read(head, "data.csv") is None
        assert opened.read(head, "other.csv") == b"other\n"


class TestRefs:
    @pytest.mark.parametrize(
        "ref", ["nonsense", "-x", "--all", "--output=pwned", "", "HEAD\0", "a b", "\ud800", "1" * 40, ":"]
    )
    def test_unknown_or_hostile_ref_is_none(self, root, opened, ref):
        commit(root)
        assert opened.commit(ref) is None
        assert opened.tree(ref) is None
        assert sorted(path.name for path in root.iterdir()) == [".git"]

    def test_reference_that_begins_with_a_dash_is_still_no_option(self, root, opened):
        head = commit(root)
        git(root, "update-ref", "refs/heads/--help", head)
        assert opened.commit("--help") is None
        assert opened.commit("refs/heads/--help") == head

    def test_blob_is_no_commit(self, root, opened):
        put(root, "a", "1\n")
        commit(root)
        assert opened.commit("HEAD:a") is None

    def test_annotated_tag_names_its_commit(self, root, opened):
        head = commit(root)
        git(root, "tag", "-a", "v1", "-m", "first")
        assert opened.commit("v1") == head

    def test_detached_head_and_a_repository_without_commits(self, root, opened):
        assert opened.commit("HEAD") is None
        first = commit(root)
        commit(root)
        git(root, "checkout", "-q", "--detach", first)
        assert opened.commit("HEAD") == first

    def test_ancestry(self, root, opened):
        first = commit(root)
        git(root, "checkout", "-q", "-b", "work")
        second = commit(root)
        assert opened.is_ancestor(first, second)
        assert not opened.is_ancestor(second, first)
        assert opened.merge_base("main", "work") == first
        git(root, "checkout", "-q", "--orphan", "alone")
        assert opened.merge_base(second, commit(root, "alone")) is None

    def test_shallow_clone_says_so_and_lacks_what_was_cut_off(self, root, opened, tmp_path):
        put(root, "a", "1\n")
        first = commit(root)
        put(root, "a", "2\n")
        second = commit(root)
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{root}", "shallow")
        with Repository.discover(tmp_path / "shallow") as clone:
            assert (clone.is_shallow, opened.is_shallow) == (True, False)
            assert (clone.commit(first), clone.tree(first)) == (None, None)
            assert clone.read(second, "a") == b"2\n"
            assert clone.merge_base(second, "HEAD") == second


class TestDiscovery:
    def test_from_a_folder_below(self, root):
        (root / "a b" / "c").mkdir(parents=True)
        assert Repository.discover(root / "a b" / "c").root == root

    def test_linked_work_tree_shares_the_common_directory(self, root, opened, tmp_path):
        commit(root)
        git(root, "worktree", "add", "-q", str(tmp_path / "linked"))
        linked = Repository.discover(tmp_path / "linked")
        assert linked.root == tmp_path / "linked"
        assert linked.common_dir == opened.common_dir == root / ".git"

    def test_not_a_repository(self, tmp_path):
        with pytest.raises(UsageError, match="not inside a git work tree"):
            Repository.discover(tmp_path)

    def test_bare_repository_is_found_as_itself(self, tmp_path):
        git(tmp_path, "init", "-q", "--bare", "bare")
        with Repository.discover(tmp_path / "bare") as found:
            assert found.is_bare
            assert found.root == (tmp_path / "bare").resolve()

    def test_no_such_directory(self, tmp_path):
        with pytest.raises(UsageError, match="no such directory"):
            Repository.discover(tmp_path / "nowhere")

    def test_missing_git(self, root, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UsageError, match="git is not installed"):
            Repository.discover(root)
        with Repository(root) as opened, pytest.raises(UsageError, match="git is not installed"):
            opened.read("HEAD", "a")

    def test_directory_of_another_user_is_explained(self, root):
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        os.chown(root, 12345, 12345)
        os.chown(root / ".git", 12345, 12345)
        with pytest.raises(UsageError, match="git does not trust") as caught:
            Repository.discover(root)
        assert "safe.directory" in caught.value.hint

    def test_caller_in_a_hook_is_not_led_to_the_hook_s_repository(self, root, monkeypatch, tmp_path):
        head = commit(root)
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
        assert Repository.discover(root).commit("HEAD") == head


class TestHostileConfiguration:
    """Whoever made a repository wrote its ``.git/config``; reading it must start none of their programs."""

    @pytest.fixture
    def trap(self, tmp_path):
        """A program that leaves a trace, and a function that tells whether it ran."""
        trace = tmp_path / "trace"
        program = tmp_path / "program"
        program.write_text(f'#!/bin/sh\necho "$0 $*" >> {trace}\nexit 1\n')
        program.chmod(0o755)
        return program, trace

    def everything(self, opened: Repository, first: str, head: str) -> None:
        opened.commit("HEAD")
        opened.tree(head)
        opened.merge_base(first, head)
        opened.changes(first, head)
        opened.entries(head)
        opened.entry(head, "a.csv")
        opened.read(head, "a.csv")
        opened.read(head, "absent\n")
        opened.read_object("1" * 40)
        opened.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
        opened.run("log", "--format=%T %H", head)
        opened.run("show", "--no-patch", "--format=%at", head)

    @pytest.mark.parametrize(
        "key",
        HOSTILE,
    )
    def test_starts_no_program(self, root, trap, key):
        program, trace = trap
        put(root, "a.csv", "1\n")
        put(root, ".gitattributes", "*.csv diff=spy\n")
        first = commit(root)
        put(root, "a.csv", "2\n")
        head = commit(root)
        git(root, "config", key, str(program))
        with Repository.discover(root) as opened:
            self.everything(opened, first, head)
        assert not trace.exists(), trace.read_text()

    def test_runs_no_hook(self, root, trap):
        program, trace = trap
        put(root, "a.csv", "1\n")
        first = commit(root)
        hooks = root / ".git" / "hooks"
        for name in ("post-checkout", "fsmonitor-watchman", "reference-transaction", "post-index-change", "pre-auto-gc"):
            (hooks / name).write_bytes(program.read_bytes())
            (hooks / name).chmod(0o755)
        git(root, "config", "core.fsmonitor", ".git/hooks/fsmonitor-watchman")
        with Repository.discover(root) as opened:
            self.everything(opened, first, first)
        assert not trace.exists(), trace.read_text()

    def test_signed_commit_starts_no_verifier(self, root, trap):
        program, trace = trap
        first = commit(root)
        raw = git(root, "cat-file", "commit", first)
        author, message = raw.split("\n\n", 1)
        signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----"
        (root / ".git" / "raw").write_text(f"{author}\n{signature}\n\n{message}\n")
        signed = git(root, "hash-object", "-t", "commit", "-w", str(root / ".git" / "raw"))
        git(root, "reset", "-q", signed)
        git(root, "config", "gpg.program", str(program))
        git(root, "config", "log.showSignature", "true")
        with Repository.discover(root) as opened:
            self.everything(opened, first, signed)
            assert opened.run("log", "--format=%H", "-1", signed).decode().split() == [signed]
        assert not trace.exists(), trace.read_text()

    def test_missing_object_is_not_fetched_from_where_the_configuration_says(self, root, trap):
        program, trace = trap
        put(root, "a.csv", "1\n")
        first = commit(root)
        git(root, "config", "core.repositoryFormatVersion", "1")
        git(root, "config", "extensions.partialClone", "origin")
        git(root, "config", "remote.origin.promisor", "true")
        git(root, "config", "remote.origin.url", f"ext::{program}")
        git(root, "config", "protocol.ext.allow", "always")
        with Repository.discover(root) as opened:
            self.everything(opened, first, first)
        assert not trace.exists(), trace.read_text()
