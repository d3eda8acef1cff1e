"""What hostile code tries in a sandbox, and that nothing comes of it: for bubblewrap and for containers alike."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from auditor.model.words import Isolation
from auditor.reproduce.sandbox import Limits, trial


@pytest.fixture(params=[Isolation.BWRAP, Isolation.CONTAINER])
def world(world, request):
    tested = trial(request.param)
    assert tested.sandbox is not None, tested.reason
    world.sandbox = tested.sandbox
    return world


def processes(mark: str) -> list[str]:
    """Command lines on this machine that hold ``mark`` as a word; they are given a moment to end."""
    deadline = time.monotonic() + 10
    while True:
        found = []
        for place in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = place.read_bytes().split(b"\0")
            except OSError:
                continue
            found += [str(place)] if mark.encode() in words else []
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.mark.parametrize("isolation", [Isolation.BWRAP, Isolation.CONTAINER])
def test_every_promise_is_kept_here(isolation):
    tested = trial(isolation)
    assert tested.sandbox is not None, tested.reason
    assert {promise.name: promise.broken for promise in tested.promises if promise.broken} == {}
    assert len(tested.promises) == 10


def test_a_fork_bomb_meets_its_limit_and_dies_with_its_parent(world):
    code = """
import os, sys, time
count = 0
try:
    while count < 2000:
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "304.25"])
        count += 1
except OSError as error:
    print("limited", count, flush=True)
os._exit(0)
"""
    done = world.run(code, limits=Limits(processes=48), timeout=60.0)
    assert done.stdout_tail.startswith("limited"), done
    assert int(done.stdout_tail.split()[1]) <= 48
    assert processes("304.25") == []


def test_a_memory_bomb_is_ended(world):
    code = "kept = []\nwhile True: kept.append(bytearray(b'x' * (16 << 20)))\n"
    done = world.run(code, limits=Limits(memory=256 << 20), timeout=60.0)
    assert not done.succeeded
    assert not done.timed_out
    assert "MemoryError" in done.stderr_tail or done.ended_for is not None or done.exit in {137, -9}


def test_a_memory_bomb_of_many_processes_is_ended(world):
    """Each of them stays below a limit of its own: only a limit of the whole tree ends them."""
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        kept = bytearray(b"x" * (100 << 20))
        time.sleep(20)
        os._exit(0)
print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(8)))
"""
    done = world.run(code, limits=Limits(memory=320 << 20), timeout=60.0)
    assert done.stdout_tail.strip() != str([0] * 8), done


def test_filling_the_disk_is_noticed(world):
    code = "i = 0\nwhile True:\n    open(f'part-{i}', 'wb').write(b'x' * (1 << 20)); i += 1\n"
    done = world.run(code, limits=Limits(disk=64 << 20), timeout=60.0)
    assert "wrote more than" in done.ended_for
    assert not done.timed_out


def test_filling_the_memory_through_a_temporary_folder_is_bounded(world):
    code = """
import errno
for folder in ("/tmp", "/dev/shm"):
    try:
        with open(f"{folder}/large", "wb") as stream:
            for _ in range(1024): stream.write(b"x" * (1 << 20))
        print("filled")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    done = world.run(code, limits=Limits(memory=256 << 20), timeout=60.0)
    assert "filled" not in done.stdout_tail, done


def test_endless_output_is_ended_and_only_its_end_is_kept(world):
    done = world.run("while True: print('x' * 65536)", limits=Limits(printed=8 << 20, output=1000), timeout=60.0)
    assert "printed more than" in done.ended_for
    assert len(done.stdout_tail) == 1000


@pytest.mark.parametrize(
    "code",
    [
        "import os\nif os.fork() == 0:\n    os.setsid(); os.execvp('sleep', ['sleep', MARK])\n",
        "import os\nif os.fork() == 0:\n  os.setsid()\n  if os.fork(): os._exit(0)\n  os.execvp('sleep', ['sleep', MARK])\n",
        "import subprocess\nsubprocess.Popen(['sleep', MARK], start_new_session=True)\n",
    ],
)
def test_daemons_do_not_outlive_the_command(world, code):
    mark = f"305.{os.getpid()}"
    done = world.run(code.replace("MARK", repr(mark)), timeout=60.0)
    assert done.exit == 0, done
    assert processes(mark) == []


def test_a_command_that_ignores_every_signal_is_ended_at_its_limit(world):
    code = """
import os, signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
os.execvp("sh", ["sh", "-c", "trap '' TERM INT HUP; while :; do sleep 306.25; done"])
"""
    done = world.run(code, timeout=2.0)
    assert done.timed_out
    assert processes("306.25") == []


SNOOP = """
import json, os, pathlib, sys
found = {}
def look(name, what):
    try: found[name] = what()
    except OSError as error: found[name] = type(error).__name__
look("shadow", lambda: pathlib.Path("/etc/shadow").read_text())
look("secret", lambda: pathlib.Path(sys.argv[1]).read_text())
look("folder", lambda: os.listdir(os.path.dirname(sys.argv[1])))
environs = []
for place in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try: environs.append("hunter2" in place.read_text())
    except OSError: environs.append(False)
found["environs"] = any(environs)
look("devices", lambda: [d for d in os.listdir("/dev") if d.startswith(("sd", "nvme", "vd", "kmsg", "mem"))])
look("docker", lambda: os.path.exists("/var/run/docker.sock"))
print(json.dumps(found))
"""


def test_nothing_of_the_machine_is_there_to_be_read(world, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    secret = world.folder / "secrets" / "token"
    secret.parent.mkdir()
    secret.write_text("hunter2")
    done = world.run(SNOOP, str(secret))
    found = json.loads(done.stdout_tail)
    assert found["shadow"] in {"FileNotFoundError", "PermissionError"}
    assert {found["secret"], found["folder"]} == {"FileNotFoundError"}
    assert found["environs"] is False
    assert found["devices"] == []
    assert found["docker"] is False


WRITE = """
import os, sys
outside, sealed = sys.argv[1:]
for attempt in (
    lambda: open("link", "w").write("x") if not os.symlink(outside, "link") else None,
    lambda: (os.symlink(os.path.dirname(outside), "folder"), open("folder/new", "w").write("x")),
    lambda: (os.link(sealed, "hard"), open("hard", "w").write("x")),
    lambda: open(sealed, "w").write("x"),
    lambda: os.replace("own", sealed) if not open("own", "w").write("x") > 1 else None,
    lambda: os.unlink(sealed),
    lambda: os.chmod(sealed, 0o777),
    lambda: open(sys.executable, "r+b").write(b"x"),
    lambda: open(os.path.join(os.path.dirname(os.__file__), "os.py"), "a").write("x"),
    lambda: open(os.path.join(sys.prefix, "lib", "escaped"), "w").write("x"),
):
    try:
        attempt()
        print("done")
    except OSError as error:
        print(type(error).__name__)
print(open(sealed).read())
"""


def test_nothing_outside_is_written_through_links(world):
    outside = world.folder / "victim"
    outside.write_text("untouched")
    done = world.run(WRITE, str(outside), "input.csv")
    assert "done" not in done.stdout_tail, done
    assert done.stdout_tail.endswith("x\n1\n\n")
    assert outside.read_text() == "untouched"
    assert not (world.folder / "new").exists()


def test_nothing_is_left_mounted_or_running(world):
    world.run("pass")  # engines mount their own storage once, for whoever comes next
    before = Path("/proc/self/mounts").read_text()
    groups = {str(path) for path in Path("/sys/fs/cgroup").rglob("auditor-*")}
    world.run("import time; time.sleep(307.25)", timeout=1.0)
    assert Path("/proc/self/mounts").read_text() == before
    assert {str(path) for path in Path("/sys/fs/cgroup").rglob("auditor-*")} <= groups
    assert processes("import time; time.sleep(307.25)") == []
    listed = subprocess.run(["podman", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=False)
    assert "auditor-" not in listed.stdout
