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
from auditor.reproduce.inputs import Inputs
from auditor.reproduce.patch import patched_digests
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
    with origin.workspace(data=inputs, fetch=lambda _: stored) as workspace:
        assert (workspace.root / "seen/y.csv").read_bytes() == b"rows"
        assert workspace.sealed == [workspace.root / "seen/y.csv"]
        assert [(p.read_bytes(), inside) for p, inside in workspace.mounts] == [(b"rows", "/mnt/z.csv")]
        assert workspace.missing == []
    with origin.workspace(data=inputs, fetch=lambda _: None) as workspace:
        assert [m.partition(" ")[0] for m in workspace.missing] == ["seen/y.csv", "/mnt/z.csv"]


def test_nothing_is_mounted_over_the_system(origin):
    origin.write("a.py", b"1")
    origin.commit()
    with origin.workspace(data=[source("x", b"", mount="/etc/ld.so.preload")], fetch=lambda _: None) as workspace:
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
    with origin.workspace(data=[source("x.csv", b"rows")], fetch=lambda _: stored) as workspace:
        assert (workspace.root / "x.csv").read_bytes() == b"rows"


def test_committed_bytes_win_and_the_difference_is_said(origin):
    origin.write("x.csv", b"changed")
    origin.commit()
    with origin.workspace(data=[source("x.csv", b"rows")], fetch=lambda _: None) as workspace:
        assert (workspace.root / "x.csv").read_bytes() == b"changed"
        assert "x.csv: the commit holds" in workspace.notes[0]


def test_an_input_behind_a_committed_link_is_never_written_outside(origin, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (origin.root / "data").symlink_to(outside)
    origin.commit()
    stored = tmp_path / "stored"
    stored.write_bytes(b"rows")
    with origin.workspace(data=[source("data/x.csv", b"rows")], fetch=lambda _: stored) as workspace:
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
    with origin.workspace(data=run.data) as workspace:
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


def test_a_recorded_patch_makes_the_code_that_ran(origin, tmp_path):
    origin.write("a.py", b"1\n")
    origin.write("b.py", b"1\n")
    origin.commit()
    origin.write("a.py", b"2\n")
    origin.write("new.bin", bytes(range(256)) * 4)
    origin.git("add", "-N", "new.bin")
    difference = tmp_path / "x.patch"
    difference.write_bytes(
        subprocess.run(["git", "diff", "--binary", "--full-index"], cwd=origin.root, check=True, capture_output=True).stdout
    )
    read = {"a.py": digest.of_bytes(b"2\n")}
    with origin.workspace(patched_by=difference, reads=read) as workspace:
        assert tracked(workspace) == {"a.py": b"2\n", "b.py": b"1\n", "new.bin": bytes(range(256)) * 4}
        assert git(workspace, "status", "--porcelain").stdout.splitlines() == [" M a.py", "?? new.bin"]
    head = origin.git("rev-parse", "HEAD")
    assert patched_digests(origin.root, head, difference.read_bytes()) == {
        "a.py": digest.of_bytes(b"2\n"),
        "new.bin": digest.of_bytes(bytes(range(256)) * 4),
    }
    with (
        pytest.raises(UndecidableError, match=r"a\.py does not have the bytes that the run read"),
        origin.workspace(patched_by=difference, reads={"a.py": digest.of_bytes(b"3\n")}),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out/w.npz", "which the command has to produce"),
        ("runs/x.run.yaml", "which the command has to produce"),
        ("../outside", "does not apply"),
        ("link/inner", "does not apply"),
        (".git/config", "does not apply"),
    ],
)
def test_a_patch_writes_neither_results_nor_outside(origin, tmp_path, name, words):
    outside = tmp_path / "outside-of-all"
    outside.mkdir()
    origin.write("a.py", b"1\n")
    (origin.root / "link").symlink_to(outside)
    origin.commit()
    difference = tmp_path / "x.patch"
    difference.write_text(
        f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+made up\n"
    )
    with pytest.raises(UndecidableError, match=words), origin.workspace(patched_by=difference, outputs=["out/w.npz"]):
        pass
    assert list(outside.iterdir()) == []


@pytest.fixture
def with_submodule(origin, tmp_path):
    inner = Origin(tmp_path / "inner")
    inner.write("lib.py", b"x = 1\n")
    inner.commit()
    origin.write("a.py", b"1\n")
    origin.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", "--name", "lib", str(inner.root), "vendor/lib")
    origin.commit()
    return origin


def test_submodules_come_from_this_clone(with_submodule):
    with with_submodule.workspace() as workspace:
        assert (workspace.root / "vendor/lib/lib.py").read_bytes() == b"x = 1\n"
        assert git(workspace, "status", "--porcelain").stdout == ""
        assert git(workspace, "-C", "vendor/lib", "rev-parse", "HEAD").returncode == 0
    with with_submodule.workspace(hidden=["vendor/lib/*"]) as workspace:
        assert not (workspace.root / "vendor/lib/lib.py").exists()


def test_a_submodule_that_is_not_here_is_named_with_its_remedy(with_submodule, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(with_submodule.root), str(clone)], check=True)
    with Repository(clone) as repository:
        head = repository.commit("HEAD")
        with (
            pytest.raises(UndecidableError) as refused,
            Workspace(repository, head, reads={"vendor/lib/lib.py": "sha256:0"}),
        ):
            pass
        assert "git submodule update --init" in refused.value.hint
        with Workspace(repository, head, reads={"a.py": digest.of_bytes(b"1\n")}) as workspace:
            assert workspace.notes == [
                "submodule vendor/lib is not in this clone, and left empty: the run read nothing from it"
            ]


@pytest.mark.parametrize("name", ["../../objects", "/etc", ".."])
def test_a_submodules_name_leads_nowhere_else(origin, tmp_path, name):
    origin.write("a.py", b"1\n")
    head = origin.commit()
    origin.write(".gitmodules", f'[submodule "{name}"]\n\tpath = sub\n\turl = ./x\n'.encode())
    origin.git("update-index", "--add", "--cacheinfo", f"160000,{head},sub")
    origin.git("add", ".gitmodules")
    origin.git("commit", "-q", "-m", "a hostile name")
    with pytest.raises(UndecidableError, match="submodule sub is not in this clone"), origin.workspace():
        pass


def test_lfs_objects_of_this_clone_stand_in_their_pointers_place(origin):
    content = b"rows " * 50
    oid = digest.of_bytes(content).removeprefix("sha256:")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n".encode()
    origin.write(".gitattributes", b"*.bin filter=lfs -text\n")
    origin.write("a.bin", pointer)
    origin.write("same.bin", pointer)
    origin.git("-c", "filter.lfs.clean=cat", "add", "-A")
    origin.git("commit", "-q", "-m", "pointers")
    with origin.workspace() as workspace:
        assert workspace.notes == [
            f"{n}.bin is a Git LFS pointer whose object is not here (git lfs pull)" for n in ("a", "same")
        ]
    origin.write(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", content)
    with origin.workspace(reads={"same.bin": digest.of_bytes(pointer)}) as workspace:
        assert (workspace.root / "a.bin").read_bytes() == content
        assert (workspace.root / "same.bin").read_bytes() == pointer
        assert workspace.notes == []
    origin.write(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", content + b"tampered")
    with origin.workspace() as workspace:
        assert (workspace.root / "a.bin").read_bytes() == pointer


def test_large_inputs_are_lent_by_a_cache_that_is_hashed_before_use(origin, tmp_path, monkeypatch):
    monkeypatch.setattr("auditor.reproduce.inputs.WORTH_KEEPING", 4)
    origin.write("a.py", b"1\n")
    origin.commit()
    stored, folder = tmp_path / "stored", tmp_path / "cache"
    stored.write_bytes(b"rows\n1\n")
    wanted = {"data": [source("x.csv", b"rows\n1\n")], "fetch": lambda _: stored}
    with origin.workspace(cache=Inputs(lambda: folder), **wanted) as workspace:
        ((held, inside),) = workspace.mounts
        assert (held.parent, inside) == (folder, str(workspace.root / "x.csv"))
        assert workspace.input("x.csv") == held
        assert (workspace.root / "x.csv").read_bytes() == b""
        workspace.replace("x.csv", b"fewer")
        assert workspace.input("x.csv").read_bytes() == b"fewer"
        assert held.read_bytes() == b"rows\n1\n"
    held.chmod(0o644)
    held.write_bytes(b"poisoned")
    with origin.workspace(cache=Inputs(lambda: folder), **wanted) as workspace:
        assert workspace.input("x.csv").read_bytes() == b"rows\n1\n"
    stored.write_bytes(b"changed since it was found")
    held.unlink()
    with pytest.raises(UndecidableError, match="changed while"), origin.workspace(cache=Inputs(lambda: folder), **wanted):
        pass
    assert list(folder.iterdir()) == []


def test_the_cache_of_inputs_forgets_what_was_not_used_for_longest(tmp_path):
    cache = Inputs(lambda: tmp_path / "cache", most=25)
    for number in range(4):
        place = tmp_path / f"file-{number}"
        place.write_bytes(b"%010d" % number)
        held = Inputs(cache._where, most=25).hold(place, None)
        os.utime(held, (number, number))
    assert sorted(f.read_bytes() for f in (tmp_path / "cache").iterdir()) == [b"0000000002", b"0000000003"]
