"""Runs whose program, record or repository is hostile, executed again: what they tried is contained, or found out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from auditor.git import Repository
from auditor.model.words import Agreement, Isolation
from auditor.reproduce.workspace import Workspace

replace = msgspec.structs.replace

WRITES = """
import json, os
os.makedirs("out", exist_ok=True)
json.dump({"accuracy": VALUE}, open("out/metrics.json", "w"))
"""


def test_a_command_that_does_nothing_reproduces_nothing(project):
    run = project.record(project.LIVE)
    for entrypoint in (("true",), (sys.executable, "-c", "pass")):
        done = project.reproduce(
            replace(
                run,
                code=replace(run.code, entrypoint=entrypoint),
                reproductions=(replace(run.reproductions[0], command=entrypoint),),
            )
        )
        assert done.results[0].agreement is Agreement.DIVERGED
        assert "wrote none of its declared outputs" in done.results[0].note


def test_a_command_given_as_one_shell_string_is_no_shell_command(project, tmp_path):
    run = project.record(project.LIVE)
    mark = tmp_path / "ran"
    words = (f"touch {mark}; mkdir -p out; echo '{{}}' > out/metrics.json",)
    changed = replace(
        run, code=replace(run.code, entrypoint=words), reproductions=(replace(run.reproductions[0], command=words),)
    )
    (result,) = project.reproduce(changed).results
    assert result.agreement not in {Agreement.BITWISE, Agreement.WITHIN_TOLERANCE}
    assert not mark.exists()


def test_a_printed_metric_proves_no_computation(project):
    """The program writes the figure that is expected: it comes out as recorded, and its seed is found dead."""
    run = project.record(project.HEAD + "save(np.full(len(yt), 0.75), w=np.ones(2))\n")
    done = project.reproduce(run, liveness=True)
    assert done.results[0].agreement is Agreement.BITWISE
    assert done.liveness.status == "dead"


def test_what_is_expected_cannot_be_read(project):
    """Manifests, outputs and other runs' files are not there, in the tree or in git's objects."""
    project.write(".gitignore", "")
    project.write("runs/other.run.yaml", "accuracy: 0.1357924680\n")
    project.write("out/weights.npz", "other")
    project.commit()
    script = """
import json, os, subprocess
found = [os.path.join(f, n) for f, _, names in os.walk(".") for n in names if n.endswith(".run.yaml") or "weights" in n]
objects = subprocess.run(["git", "cat-file", "--batch-all-objects", "--batch"], capture_output=True).stdout
seen = len(found) + (b"0.13579" + b"24680" in objects)
""" + WRITES.replace("VALUE", "float(seen)")
    project.write("train.py", script)
    run = project.record()
    figures = project.reproduce(run).results[0].comparisons
    assert [c.actual for c in figures if c.of == "metric:accuracy"] == [0.0]


@pytest.mark.parametrize("isolation", [Isolation.BWRAP, Isolation.CONTAINER])
def test_the_ledger_and_the_verifiers_key_cannot_be_read(project, isolation):
    """They lie in the git directory of the repository, of which the command has another one."""
    kept = project.root / ".git" / "auditor"
    kept.mkdir()
    for name in ("ledger.db", "challenge.key"):
        (kept / name).write_text("entries")
    script = f"""
import os
seen = 0
for place in ({str(kept / "ledger.db")!r}, {str(kept / "challenge.key")!r}, ".git/auditor/ledger.db"):
    try: seen += len(open(place).read())
    except OSError: pass
for top in (".", "/tmp", os.environ["HOME"], {str(project.root.parent)!r}):
    for folder, names, files in os.walk(top):
        seen += sum(name in ("ledger.db", "challenge.key") for name in files)
""" + WRITES.replace("VALUE", "float(seen)")
    run = project.record(script)
    assert json.loads((project.root / "out/metrics.json").read_text())["accuracy"] > 0, "outside of a sandbox they can be"
    project.isolation = (isolation,)
    (result,) = project.reproduce(run).results
    assert result.isolation == isolation
    assert [c.actual for c in result.comparisons if c.of == "metric:accuracy"] == [0.0]


@pytest.mark.parametrize(
    "tell", ["os.uname().nodename == 'sandbox'", "os.environ.get('AUDITOR_CONFIG')", "os.getuid() > 60000"]
)
def test_a_program_that_behaves_in_the_sandbox_alone_does_not_come_out_as_recorded(project, tell):
    run = project.record(WRITES.replace("VALUE", f"0.6 if {tell} else 0.99"))
    (result,) = project.reproduce(run).results
    assert result.agreement is Agreement.DIVERGED


START_UP = "import pathlib\ntry: pathlib.Path({mark!r}).write_text('x')\nexcept OSError: pass\n"


def test_start_up_files_of_the_repository_run_nowhere_else(project, tmp_path):
    """Files that interpreters and test runners load by themselves are code under audit like any other."""
    mark = str(tmp_path / "started")
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py", "json.py", "msgspec.py", "yaml.py"):
        project.write(name, START_UP.format(mark=mark) + ("from json.decoder import *\n" if name == "json.py" else ""))
    project.write("evil.pth", f"import pathlib; pathlib.Path({mark!r}).write_text('x')\n")
    project.write("pyvenv.cfg", "home = /nowhere\n")
    (project.root / "json.py").unlink()
    run = project.record(WRITES.replace("VALUE", "0.5"))
    Path(mark).unlink(missing_ok=True)
    assert project.reproduce(run).results[0].agreement is Agreement.BITWISE
    assert not Path(mark).exists()


def test_recorded_variables_that_start_code_are_not_passed(project, tmp_path):
    mark = tmp_path / "started"
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "sitecustomize.py").write_text(START_UP.format(mark=str(mark)))
    evil = {
        "PYTHONPATH": str(tmp_path / "evil"),
        "PYTHONSTARTUP": str(tmp_path / "evil" / "sitecustomize.py"),
        "PYTHONHOME": "/nowhere",
        "PYTHONINSPECT": "1",
        "LD_PRELOAD": str(tmp_path / "evil.so"),
        "BASH_ENV": str(tmp_path / "evil.sh"),
        "GIT_SSH_COMMAND": f"touch {mark}",
        "PATH": str(tmp_path / "evil"),
        "HOME": str(tmp_path),
    }
    run = project.record(WRITES.replace("VALUE", "float(len(os.environ.get('LD_PRELOAD', '')))"))
    run = replace(run, environment=replace(run.environment, variables=evil))
    (result,) = project.reproduce(run).results
    assert result.agreement is Agreement.BITWISE, result
    assert not mark.exists()


def test_outputs_that_lead_elsewhere_count_for_nothing(project):
    run = project.record(WRITES.replace("VALUE", "0.5"))
    for script in (
        "import os\nos.makedirs('out')\nos.symlink('/etc/passwd', 'out/metrics.json')\n",
        "import os\nos.symlink('/etc', 'out')\n",
        "import os\nos.makedirs('out')\nos.mkfifo('out/metrics.json')\n",
        "import os\nos.makedirs('out')\nos.link('conf.json', 'out/metrics.json')\n",
    ):
        project.write("train.py", script)
        (result,) = project.reproduce(replace(run, code=replace(run.code, commit=project.commit()))).results
        assert result.agreement in {Agreement.DIVERGED, Agreement.REFUSED}, (script, result)


SLEEPS = "import time\ntime.sleep(308.25)\n"


def left(temporary: Path) -> list[str]:
    return sorted(str(path) for path in temporary.iterdir())


def test_a_timeout_leaves_nothing_behind(project, tmp_path, monkeypatch):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    run = project.record(WRITES.replace("VALUE", "0.5"))
    project.write("train.py", SLEEPS)
    run = replace(
        run,
        code=replace(run.code, commit=project.commit()),
        reproductions=(replace(run.reproductions[0], timeout=1.0),),
    )
    for isolation in (Isolation.BWRAP, Isolation.CONTAINER):
        project.isolation = (isolation,)
        (result,) = project.reproduce(run).results
        assert (result.agreement, result.isolation) == (Agreement.INCONCLUSIVE, isolation), result
        assert left(temporary) == []
    listed = subprocess.run(["git", "worktree", "list"], cwd=project.root, check=True, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 1
    assert [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(temporary) in line] == []


@pytest.mark.parametrize(
    ("number", "isolation"),
    [(signal.SIGTERM, "bwrap"), (signal.SIGINT, "bwrap"), (signal.SIGKILL, "bwrap"), (signal.SIGKILL, "container")],
)
def test_an_auditor_that_is_ended_takes_its_commands_with_it(project, tmp_path, number, isolation):
    """What a killed one could not remove, the next one does."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = project.record(WRITES.replace("VALUE", "0.5"))
    mark = f"309.{number}{len(isolation)}"
    project.write("train.py", f"import os\nos.execvp('sleep', ['sleep', '{mark}'])\n")
    run = replace(run, code=replace(run.code, commit=project.commit()))
    (project.root / "runs").mkdir()
    (project.root / "runs" / "a.run.json").write_bytes(msgspec.json.encode(run))
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "auditor", "reproduce", "runs/a.run.json", "--tier", "smoke", "--isolation", isolation]
    with subprocess.Popen(command, cwd=project.root, env=environment, stdout=subprocess.DEVNULL) as auditor:
        deadline = time.monotonic() + 60
        while not running(mark) and auditor.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert running(mark)
        auditor.send_signal(number)
        auditor.wait(60)
    deadline = time.monotonic() + 20
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(mark)
    if number == signal.SIGKILL:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("tempfile.tempdir", str(temporary))
            with Workspace(Repository(project.root), run.code.commit):
                pass
    assert left(temporary) == []


def running(mark: str) -> bool:
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in place.read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


def test_modules_of_the_repository_are_not_the_auditors(project, tmp_path):
    mark = tmp_path / "started"
    for name in ("msgspec", "click", "yaml", "rich", "json"):
        project.write(f"{name}.py", START_UP.format(mark=str(mark)))
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "--version"], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not mark.exists()
