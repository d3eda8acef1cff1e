from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from auditor import digest
from auditor.errors import UndecidableError
from auditor.git import GitError, Repository
from auditor.model.run import DataSource, Run, RunInfo
from auditor.reproduce import thin
from auditor.reproduce.workspace import Workspace


class Origin:
    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "T")
        self.git("config", "user.email", "t@example.org")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, name: str, content: bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def commit(self) -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "work")
        return self.git("rev-parse", "HEAD")

    def workspace(self, **options) -> Workspace:
        return Workspace(Repository(self.root), self.git("rev-parse", "HEAD"), **options)


@pytest.fixture
def origin(tmp_path):
    return Origin(tmp_path / "origin")


def tracked(workspace: Workspace) -> dict[str, bytes]:
    return {
        p.relative_to(workspace.root).as_posix(): p.read_bytes()
        for p in sorted(workspace.root.rglob("*"))
        if p.is_file() and ".git" not in p.relative_to(workspace.root).parts
    }


def git(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=workspace.root, check=False, capture_output=True, text=True)


def test_it_holds_the_bytes_of_the_commit_and_its_id(origin):
    origin.write("a.py", b"1\n")
    first = origin.commit()
    origin.write("a.py", b"2\n")
    origin.write("folder/with space/ä\n.txt", b"x")
    head = origin.commit()
    origin.write("a.py", b"uncommitted\n")
    origin.write("untracked.txt", b"x")
    with origin.workspace() as workspace:
        assert tracked(workspace) == {"a.py": b"2\n", "folder/with space/ä\n.txt": b"x"}
        assert git(workspace, "rev-parse", "HEAD").stdout.strip() == head
        assert git(workspace, "status", "--porcelain").stdout == ""
        assert git(workspace, "log", "--format=%H").stdout.split() == [head]
        assert git(workspace, "cat-file", "-e", first).returncode != 0
        base = workspace.base
    assert not base.exists()


def test_an_earlier_commit_can_be_had(origin):
    origin.write("a.py", b"1\n")
    first = origin.commit()
    origin.write("a.py", b"2\n")
    origin.commit()
    with Workspace(Repository(origin.root), first) as workspace:
        assert tracked(workspace) == {"a.py": b"1\n"}


def test_no_filter_line_ending_or_hook_changes_a_byte(origin, tmp_path):
    origin.write("text.csv", b"a\nb\n$Id$\n")
    origin.commit()
    origin.write(".gitattributes", b"*.csv text eol=crlf ident filter=evil working-tree-encoding=UTF-16\n")
    traces = tmp_path / "traces"
    traces.mkdir()
    origin.git("config", "filter.evil.smudge", f"touch {traces}/smudged; cat")
    origin.git("config", "core.autocrlf", "true")
    hook = origin.write(".git/hooks/post-checkout", b"#!/bin/sh\ntouch %s/hooked\n" % bytes(traces))
    hook.chmod(0o755)
    origin.git("add", ".gitattributes")
    origin.git("commit", "-q", "-m", "attributes")
    with origin.workspace() as workspace:
        assert tracked(workspace)["text.csv"] == b"a\nb\n$Id$\n"
        assert git(workspace, "status", "--porcelain").stdout == ""
    assert list(traces.iterdir()) == []


def test_modes_and_links_are_kept(origin):
    origin.write("run.sh", b"#!/bin/sh\n").chmod(0o755)
    (origin.root / "link").symlink_to("run.sh")
    origin.commit()
    with origin.workspace() as workspace:
        assert (workspace.root / "run.sh").stat().st_mode & stat.S_IXUSR
        assert (workspace.root / "link").readlink() == Path("run.sh")


def test_outputs_manifests_and_hidden_files_are_gone_from_files_and_history(origin):
    for name in ("out/a.npz", "out/deep/b.npz", "runs/x.run.yaml", "deep/runs/y.run.json", "ledger/z.db", "kept.py"):
        origin.write(name, name.encode())
    origin.commit()
    with origin.workspace(outputs=["out/a.npz", "out/deep"], hidden=["ledger/**"]) as workspace:
        assert tracked(workspace) == {"kept.py": b"kept.py"}
        assert (workspace.root / "out").is_dir()
        assert git(workspace, "status", "--porcelain").stdout == ""
        for name in ("out/a.npz", "runs/x.run.yaml", "ledger/z.db"):
            assert git(workspace, "cat-file", "blob", f"HEAD:{name}").returncode != 0


def test_only_what_was_created_counts(origin):
    origin.write("kept.npz", b"old")
    origin.commit()
    with origin.workspace(outputs=["out/new.npz"]) as workspace:
        (workspace.root / "out/new.npz").write_bytes(b"new")
        (workspace.root / "kept.npz").write_bytes(b"rewritten")
        (workspace.root / "inside.npz").symlink_to("out/new.npz")
        (workspace.root / "outside.npz").symlink_to("/etc/passwd")
        (workspace.root / "dangling.npz").symlink_to("nowhere")
        os.mkfifo(workspace.root / "pipe.npz")
        assert workspace.made("out/new.npz").path.read_bytes() == b"new"
        assert workspace.made("inside.npz").path.read_bytes() == b"new"
        assert "before the command started" in workspace.made("kept.npz").reason
        assert workspace.made("outside.npz").refused
        assert "dangling" in workspace.made("dangling.npz").reason
        assert workspace.made("pipe.npz").refused
        assert "was not written" in workspace.made("missing.npz").reason
        for path in ("../x", "/etc/passwd", ".git/config", ""):
            with pytest.raises(GitError):
                workspace.made(path)


def source(path, content: bytes, **fields) -> DataSource:
    return DataSource(name="train", role="train", path=path, digest=digest.of_bytes(content), **fields)


def test_inputs_that_the_commit_lacks_are_fetched(origin, tmp_path):
    origin.write("a.py", b"1")
    origin.commit()
    stored = tmp_path / "stored"
    stored.write_bytes(b"rows")
    inputs = [source("data/x.csv", b"rows", mount="seen/y.csv"), source("z.csv", b"rows", mount="/mnt/z.csv")]
    with origin.workspace(inputs=inputs, fetch=lambda _: stored) as workspace:
        assert (workspace.root / "seen/y.csv").read_bytes() == b"rows"
        assert workspace.sealed == [workspace.root / "seen/y.csv"]
        assert [(p.read_bytes(), inside) for p, inside in workspace.mounts] == [(b"rows", "/mnt/z.csv")]
        assert workspace.missing == []
    with origin.workspace(inputs=inputs, fetch=lambda _: None) as workspace:
        assert [m.partition(" ")[0] for m in workspace.missing] == ["seen/y.csv", "/mnt/z.csv"]


def test_nothing_is_mounted_over_the_system(origin):
    origin.write("a.py", b"1")
    origin.commit()
    with origin.workspace(inputs=[source("x", b"", mount="/etc/ld.so.preload")], fetch=lambda _: None) as workspace:
        assert "over the system" in workspace.missing[0]


@pytest.mark.parametrize("content", [b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 4\n", None])
def test_pointers_and_links_are_replaced_by_bytes(origin, tmp_path, content):
    stored = tmp_path / "stored"
    stored.write_bytes(b"rows")
    if content is None:
        (origin.root / "x.csv").symlink_to("/mnt/somewhere.csv")
    else:
        origin.write("x.csv", content)
    origin.commit()
    with origin.workspace(inputs=[source("x.csv", b"rows")], fetch=lambda _: stored) as workspace:
        assert (workspace.root / "x.csv").read_bytes() == b"rows"


def test_committed_bytes_win_and_the_difference_is_said(origin):
    origin.write("x.csv", b"changed")
    origin.commit()
    with origin.workspace(inputs=[source("x.csv", b"rows")], fetch=lambda _: None) as workspace:
        assert (workspace.root / "x.csv").read_bytes() == b"changed"
        assert "x.csv: the commit holds" in workspace.notes[0]


def test_an_input_behind_a_committed_link_is_never_written_outside(origin, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (origin.root / "data").symlink_to(outside)
    origin.commit()
    stored = tmp_path / "stored"
    stored.write_bytes(b"rows")
    with origin.workspace(inputs=[source("data/x.csv", b"rows")], fetch=lambda _: stored) as workspace:
        assert workspace.missing
    assert list(outside.iterdir()) == []


def test_an_unknown_commit_leaves_nothing_behind(origin, tmp_path, monkeypatch):
    origin.write("a.py", b"1")
    origin.commit()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with pytest.raises(GitError), Workspace(Repository(origin.root), "0" * 40):
        pass
    assert list(folder.iterdir()) == []


def test_a_folder_that_its_owner_may_not_enter_is_removed_too(origin):
    origin.write("a.py", b"1")
    origin.commit()
    with origin.workspace() as workspace:
        locked = workspace.root / "locked"
        locked.mkdir()
        (locked / "x").write_text("x")
        locked.chmod(0)
        base = workspace.base
    assert not base.exists()


def test_a_temporary_folder_inside_the_repository_is_not_used(origin, monkeypatch):
    origin.write("a.py", b"1")
    origin.commit()
    monkeypatch.setattr("tempfile.tempdir", str(origin.root))
    with origin.workspace() as workspace:
        assert not workspace.base.is_relative_to(origin.root)
    assert origin.git("status", "--porcelain") == ""


def thinned(origin, name, content, *, kept=0.9, **fields):
    origin.write(name, content)
    origin.commit()
    data = DataSource(name="train", role="train", path=name, **fields)
    run = Run(schema="x", run=RunInfo(id="r", status="succeeded"), data=(data,))
    with origin.workspace(inputs=run.data) as workspace:
        thin.thin(run, workspace, kept=kept)
        return (workspace.root / name).read_bytes()


def test_a_tenth_of_the_rows_is_taken_from_a_table(origin):
    rows = [f'{i},"a\nb"\n' for i in range(20)]
    left = thinned(origin, "x.csv", ("n,t\n" + "".join(rows)).encode()).decode()
    assert left.startswith("n,t\n")
    assert sum(row in left for row in rows) == 18
    assert left.replace("n,t\n", "").count("\n") == 36


def test_a_table_without_header_says_so_by_its_count(origin):
    left = thinned(origin, "x.csv", b"".join(b"%d\n" % i for i in range(10)), records=10, kept=0.1)
    assert left.count(b"\n") == 1


def test_json_lines_and_arrays_lose_rows(origin):
    import numpy as np  # noqa: PLC0415

    assert thinned(origin, "x.jsonl", b"{}\n" * 20).count(b"\n") == 18
    place = origin.root / "x.npz"
    np.savez(place, X=np.zeros((20, 2)), y=np.arange(20), X_test=np.zeros((5, 2)), scale=np.float64(1))
    (origin.root / "left.npz").write_bytes(thinned(origin, "x.npz", place.read_bytes()))
    with np.load(origin.root / "left.npz") as left:
        assert {name: left[name].shape for name in left.files} == {"X": (18, 2), "y": (18,), "X_test": (5, 2), "scale": ()}


def test_rows_cannot_be_taken_from_everything(origin):
    for name, content in (("x.parquet", b"PAR1"), ("x.csv", b"a\n1\n")):
        with pytest.raises(UndecidableError):
            thinned(origin, name, content)
