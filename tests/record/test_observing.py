"""Commands that are odd or hostile, and the ways to observe them."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest
from workbench import Answer, Repo, load_yaml, result

from auditor import digest
from auditor.manifest.reader import read_file
from auditor.manifest.validate import violations
from auditor.record import tracing

PYTHON = sys.executable


@pytest.fixture
def repo(repository: Repo) -> Repo:
    repository.write("data/train.csv", "id,x\n1,2\n")
    repository.write("conf.yaml", "seed: 3\nepochs: 5\n")
    repository.write(".gitignore", "__pycache__/\n")
    repository.commit()
    return repository


def record(repo: Repo, text: str, *options: str, exits: int = 0) -> tuple[dict, Answer]:
    repo.write("train.py", textwrap.dedent(text))
    repo.commit("Write the script")
    answer = repo.auditor("record", *options, "--", PYTHON, "train.py").expect(exits)
    path = answer.stderr.splitlines()[-1]
    assert violations(read_file(repo.root / path).value, "run-manifest") == []
    return load_yaml(repo.read(path)), answer


def reads(found: dict) -> list[str]:
    return [read["path"] for read in found["observed"]["reads"]]


# Odd commands


def test_a_flood_of_output_passes_through_without_being_kept(repo) -> None:
    repo.write("train.py", "import sys\nfor _ in range(400): sys.stdout.write('x' * (1 << 20))")
    repo.commit()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with subprocess.Popen(
        [PYTHON, "-m", "auditor", "record", "--", PYTHON, "train.py"],
        cwd=repo.root,
        env=repo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        size = sum(len(block) for block in iter(lambda: process.stdout.read(1 << 20), b""))
    assert process.returncode == 0
    assert size == 400 << 20
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 200 << 10  # KiB


def test_forks_and_changed_directories_are_followed(repo) -> None:
    found, _ = record(
        repo,
        """
        import os
        os.chdir("data")
        child = os.fork()
        if child == 0:
            open("../conf.yaml").read()
            os._exit(0)
        os.waitpid(child, 0)
        open("train.csv").read()
        """,
        "--data",
        "train=data/train.csv",
    )
    assert reads(found) == ["conf.yaml", "data/train.csv", "train.py"]


def test_inputs_that_are_rewritten_or_removed_keep_the_digest_from_before(repo) -> None:
    before = {path: digest.of_file(repo.root / path)[0] for path in ("data/train.csv", "conf.yaml")}
    found, answer = record(
        repo,
        """
        import os
        open("data/train.csv").read(); open("conf.yaml").read()
        open("data/train.csv", "a").write("2,3\\n")
        os.remove("conf.yaml")
        """,
        *("--data", "train=data/train.csv", "--config", "conf.yaml"),
    )
    for path in before:
        assert f"the command changed its input {path}" in answer.stderr
    assert found["data"][0]["digest"] == before["data/train.csv"]
    assert found["configuration"]["files"][0]["digest"] == before["conf.yaml"]
    assert {r["path"]: r.get("digest") for r in found["observed"]["reads"]} | before == {
        r["path"]: r.get("digest") for r in found["observed"]["reads"]
    }


def test_no_scaled_run_is_made_of_changed_inputs(repo) -> None:
    text = "open('data/train.csv', 'a').write('2,3')\nopen('m.npz', 'w').write('x')"
    options = ("--data", "train=data/train.csv", "--config", "conf.yaml", "--smoke", "epochs=1", "--out", "m.npz")
    found, answer = record(repo, text, *options)
    assert "no scaled run was made: the command changed data/train.csv" in answer.stderr
    assert "reproductions" not in found


def test_a_scaled_run_that_hangs_is_ended_with_all_that_it_started(repo) -> None:
    text = """
        import subprocess, sys, time
        if "epochs: 5" not in open("conf.yaml").read():
            print("hanging" * 9000, flush=True)
            subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
        open("m.npz", "w").write("x")
        """
    options = ("--config", "conf.yaml", "--smoke", "epochs=1", "--out", "m.npz", "--smoke-limit", "0.5")
    found, answer = record(repo, text, *options)
    assert "the scaled run was still running after 1 s" in answer.stderr
    assert "reproductions" not in found


def test_two_recorders_in_the_same_second_write_two_manifests(repo) -> None:
    repo.write("train.py", "import time; time.sleep(0.4)")
    repo.commit()
    recorder = [PYTHON, "-m", "auditor", "record", "--", PYTHON, "train.py"]
    running = [subprocess.Popen(recorder, cwd=repo.root, env=repo.env, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    paths = [process.communicate(timeout=60)[1].splitlines()[-1] for process in running]
    assert len(set(paths)) == 4
    assert sorted(paths) == repo.manifests()
    assert len({repo.claims(path)["run"]["id"] for path in paths}) == 4
    assert not list((repo.root / "runs").glob(".*"))


def test_a_manifest_that_appears_during_the_run_is_not_overwritten(repo) -> None:
    text = "import os; os.makedirs('runs'); open('runs/x.run.yaml', 'w').write('mine')"
    found, answer = record(repo, text, "--manifest", "runs/x.run.yaml")
    assert answer.stderr.splitlines()[-1] == "runs/x-2.run.yaml"
    assert found["run"]["id"] == "x-2"
    assert repo.read("runs/x.run.yaml") == "mine"


def test_what_is_read_and_removed_again_breaks_no_patch(repo) -> None:
    repo.write("extra.txt", "x")
    repo.git("rm", "--cached", "--quiet", "--ignore-unmatch", "extra.txt")
    repo.write(".gitignore", "__pycache__/\nextra.txt\n")
    found, _ = record(repo, "import os; open('extra.txt').read(); os.remove('extra.txt')", "--allow-dirty")
    assert found["code"]["dirty"] is True


def test_a_secret_in_an_untracked_file_is_removed_from_the_patch_and_said(repo) -> None:
    repo.write(".gitignore", "__pycache__/\nlocal.py\n")
    repo.write("local.py", f"TOKEN = 'ghp_{'Zz9x' * 9}'\n")
    found, answer = record(repo, "import local", "--allow-dirty")
    assert "a credential was removed from the patch of a file that is not committed" in answer.stderr
    assert "Zz9x" not in repo.read(found["code"]["patch"]["path"])


# Submodules


def test_submodules_are_recorded_and_their_files_are_code_of_theirs(repo, tmp_path, shell) -> None:
    library = Repo(tmp_path / "library", shell).init()
    library.write("metric.py", "VALUE = 1\n")
    library.write("table.csv", "x\n1\n")
    commit = library.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.root), "vendor/library")
    text = "import sys; sys.path.insert(0, 'vendor/library')\nimport metric\nopen('vendor/library/table.csv').read()"
    found, answer = record(repo, text)
    assert found["code"]["submodules"] == [{"path": "vendor/library", "commit": commit}]
    assert found["code"]["dirty"] is False
    assert reads(found) == ["train.py"]
    assert "vendor/library" in found["observed"]["ignored"]
    assert "warning: read" not in answer.stderr
    repo.write("vendor/library/metric.py", "VALUE = 2\n")
    answer = repo.auditor("record", "--", PYTHON, "train.py").expect(2)
    assert "uncommitted changes: vendor/library" in answer.stderr


# Packages


def test_only_what_was_imported_is_listed(repo) -> None:
    found, _ = record(repo, "import yaml\ntry:\n    import numpy\nexcept ImportError: pass")
    assert set(found["environment"]["packages"]) >= {"numpy", "pyyaml"}
    assert not {"pytest", "scikit-learn", "ml-run-auditor", "click"} & set(found["environment"]["packages"])
    assert found["extensions"]["auditor"]["packages"] == "imported"


def test_everything_is_listed_where_imports_are_unknown(repo) -> None:
    found, _ = record(repo, "import yaml", "--observe", "none")
    assert "pytest" in found["environment"]["packages"]
    assert found["extensions"]["auditor"]["packages"] == "installed"
    assert found["observed"] == {"method": "none"}


def test_an_honest_run_without_imports_stays_green_with_a_lock(repo) -> None:
    repo.write("requirements.txt", f"numpy==1.0 --hash=sha256:{'a' * 64}\n")
    options = ("--lock", "requirements.txt", "--out", "m.json", "--data", "train=data/train.csv")
    found, _ = record(repo, "open('m.json', 'w').write(open('data/train.csv').read())", *options)
    assert "packages" not in found["environment"]
    repo.commit("Record a run")
    report = repo.auditor("check", "--checklist", "environment", "--format", "json").expect(0).json()
    assert result(report, "environment/unlocked-package")["outcome"] == "not-applicable"
    assert result(report, "environment/unrecorded-environment")["outcome"] == "passed"


# Tracing


NATIVE = """
    import ctypes, os, subprocess
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    assert libc.fopen(b"data/train.csv", b"r")
    subprocess.run("cd data && cat ../conf.yaml > ../copy.yaml && mv ../copy.yaml moved.yaml && cat moved.yaml", shell=True)
    """


def test_tracing_sees_native_readers_and_foreign_programs(repo) -> None:
    found, _ = record(repo, NATIVE, "--observe", "strace", "--data", "train=data/train.csv")
    assert found["observed"]["method"] == "strace"
    assert reads(found) == ["conf.yaml", "data/train.csv", "train.py"]
    assert found["extensions"]["auditor"]["packages"] == "imported"
    assert reads(record(repo, NATIVE, "--data", "train=data/train.csv")[0]) == ["train.py"]


def test_traced_names_and_moments(repo) -> None:
    odd = 'größe\n<1>, "2".csv'
    repo.write(odd, "x\n1\n")
    found, _ = record(
        repo,
        f"""
        import os
        open({odd!r}).read()
        open("own.txt", "w").write("x"); open("own.txt").read()
        open("conf.yaml").read(); open("conf.yaml", "a").write("# seen")
        os.open(".", os.O_RDONLY | os.O_DIRECTORY)
        """,
        "--observe",
        "strace",
    )
    assert sorted(reads(found)) == sorted(["conf.yaml", odd, "train.py"])


def test_a_traced_command_keeps_its_exit_status_and_its_signals(repo) -> None:
    record(repo, "raise SystemExit(7)", "--observe", "strace", exits=7)
    record(repo, "import os; os.kill(os.getpid(), 9)", "--observe", "strace", exits=137)
    repo.write("train.py", "import time; print('ready', flush=True); time.sleep(60)")
    repo.commit()
    with subprocess.Popen(
        [PYTHON, "-m", "auditor", "record", "--observe", "strace", "--", PYTHON, "train.py"],
        cwd=repo.root,
        env=repo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert repo.claims(errors.splitlines()[-1])["run"]["status"] == "interrupted"


def test_without_strace_nothing_is_started(repo, tmp_path) -> None:
    for name in ("git", "python"):
        (tmp_path / name).symlink_to(shutil.which(name) if name != "python" else PYTHON)
    repo.extra = {"PATH": str(tmp_path)}
    repo.write("train.py", "open('started', 'w')")
    repo.commit()
    answer = repo.auditor("record", "--observe", "strace", "--", PYTHON, "train.py").expect(2)
    assert "apt-get install strace" in answer.stderr
    assert not (repo.root / "started").exists()
    assert not (repo.root / "runs").exists()


def test_calls_that_failed_or_make_no_sense_are_passed_over(tmp_path) -> None:
    lines = [
        b'1.0 openat(AT_FDCWD</w>, "gone", O_RDONLY) = -1 ENOENT (No such file or directory)',
        b'1.1 openat(AT_FDCWD</w>, "a\\303\\266", O_RDONLY|O_CLOEXEC) = 3</w/a\\303\\266>',
        b'1.2 rename("b", "c") = 0',
        b'1.3 openat(4</w/sub>, "d", O_RDWR) = 5</w/sub/d>',
        b'1.4 openat(AT_FDCWD</w>, "half',
        b"+++ exited with 0 +++",
        b"\xff\xfe",
    ]
    (tmp_path / "trace.1").write_bytes(b"\n".join(lines))
    found = [(entry.path, entry.kind) for entry in tracing.opened(tmp_path)]
    assert found == [(os.fsdecode(b"/w/a\xc3\xb6"), "read"), ("/w/c", "write"), ("/w/sub/d", "both")]


# Required beforehand


def test_a_checklist_may_be_asked_before_the_command_starts(repo) -> None:
    repo.write("train.py", "open('m.npz', 'w').write(open('data/train.csv').read())")
    repo.commit()
    options = ("--config", "conf.yaml", "--data", "train=data/train.csv", "--out", "m.npz")
    answer = repo.auditor("record", *options, "--require", "strict", "--", PYTHON, "train.py").expect(1)
    assert "not started" in answer.stderr
    assert "environment/unlocked-environment (major): no --lock was given" in answer.stderr
    assert not (repo.root / "m.npz").exists()
    assert not (repo.root / "runs").exists()
    repo.auditor("record", *options, "--require", "standard", "--", PYTHON, "train.py").expect(0)
    assert (repo.root / "m.npz").exists()
    assert len(repo.manifests()) == 1


def test_an_unknown_checklist_is_wrong_usage(repo) -> None:
    assert repo.auditor("record", "--require", "nonsense", "--", PYTHON, "-c", "pass").exit == 2
