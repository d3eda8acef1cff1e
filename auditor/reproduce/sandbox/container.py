"""Runs a command inside a container of podman or docker that holds nothing of its own: this machine's files, read-only.

The image is empty; what the command sees is bound from here, as bubblewrap does it. Engines differ in what works where
(rootless, without systemd, without the right to raise limits), so ways are tried from the plainest on, and the first one
that starts a container is used.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auditor.errors import UndecidableError
from auditor.model.words import Isolation
from auditor.reproduce.sandbox import house, process
from auditor.reproduce.sandbox.job import Execution, Job
from auditor.reproduce.sandbox.profile import profile
from auditor.reproduce.sandbox.reaper import reaped
from auditor.reproduce.sandbox.usage import Usage
from auditor.reproduce.sandbox.world import SYSTEM, give, settings, spare_id

_ENGINES = ("podman", "docker")
_IMAGE = "localhost/auditor-empty"
_FOLDERS = ("dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var/tmp")
_PATIENCE = 60.0
_ENGINE_FAILED = 125
_CLIENT = ("PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "DOCKER_HOST", "CONTAINER_HOST", "TMPDIR")
_PLACES = frozenset({"PATH", "LD_LIBRARY_PATH", "PYTHONUSERBASE"})
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A way to start containers that works here: ``program``, and options that come before the command's name."""

    program: str
    options: tuple[str, ...] = ()

    @property
    def is_podman(self) -> bool:
        """Whether it is podman, which knows some options that docker does not."""
        return Path(self.program).name.startswith("podman")

    def command(self, *words: str) -> list[str]:
        """The command line for ``words``."""
        return [self.program, *self.options, *words]


class Container:
    """A container for each command, gone with it."""

    isolation = Isolation.CONTAINER

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._as_root = os.geteuid() == 0

    def run(self, job: Job) -> Execution:
        """Run ``job``; see :class:`~auditor.reproduce.sandbox.job.Sandbox`."""
        engine, name = self._engine, f"auditor-{uuid.uuid4().hex}"
        if job.image is not None and _engine(engine, "image", "inspect", job.image).returncode:
            raise UndecidableError(
                f"the image {job.image} is not on this machine", hint=f"{Path(engine.program).name} pull {job.image}"
            )
        uid = spare_id() if self._as_root else os.getuid()
        gid = uid if self._as_root else os.getgid()
        writable = (job.work, job.home, job.scratch)
        if self._as_root:
            for folder in writable:
                give(folder, uid)
        words = [
            *("run", "--rm", "--name", name, "--pull", "never", "--read-only", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges", "--user", f"{uid}:{gid}", "--hostname", "sandbox"),
            *("--network", "host" if job.network else "none", "--workdir", str(job.work)),
            *self._limits(job),
            *(word for folder in ("/tmp", "/var/tmp") for word in ("--tmpfs", f"{folder}:rw,mode=1777")),  # noqa: S108
            *(word for variable in self._variables(job) for word in ("--env", variable)),
            *(word for bind in self._binds(job, uid, gid) for word in ("--volume", bind)),
        ]
        if engine.is_podman:
            words += ["--http-proxy=false", "--timeout", str(int(job.timeout) + 5)]
            filtering = job.base / "seccomp.json"
            filtering.write_bytes(profile())
            words += ["--security-opt", f"seccomp={filtering}"]
            words += [] if self._as_root else ["--userns", "keep-id"]
        usage = Usage(writable, job.limits.disk)
        removal = engine.command("rm", "--force", *(("--time", "0") if engine.is_podman else ()), name)
        with reaped(removal, _client()):
            ended = process.run(
                engine.command(*words, "--entrypoint", job.argv[0], job.image or _image(engine), *job.argv[1:]),
                directory=Path("/"),
                variables=_client(),
                timeout=job.timeout,
                limits=job.limits,
                cancel=job.cancel,
                complaint=usage.complaint,
            )
        stderr = ended.stderr.decode(errors="replace")
        if ended.exit == _ENGINE_FAILED and stderr.startswith(("Error: ", "docker: ")):
            raise UndecidableError(f"the container could not be started: {stderr.splitlines()[0]}")
        return Execution(
            exit=ended.exit,
            timed_out=ended.timed_out,
            seconds=ended.seconds,
            stdout_tail=ended.stdout.decode(errors="replace"),
            stderr_tail=stderr,
            isolation=self.isolation,
            ended_for=ended.ended_for,
        )

    def _limits(self, job: Job) -> Iterator[str]:
        limits = job.limits
        wanted = {
            "core": 0,
            "data": limits.memory,
            "fsize": limits.file_size,
            "nofile": limits.open_files,
            "nproc": limits.processes,
        }
        for name, value in wanted.items():
            yield from ("--ulimit", f"{name}={value}:{value}")
        yield from ("--pids-limit", str(limits.processes), "--shm-size", str(limits.memory // 2))
        yield from ("--memory", str(limits.memory), "--memory-swap", str(limits.memory))

    def _variables(self, job: Job) -> Iterator[str]:
        # The client may have been told to hand proxies, and what stands in their addresses, to every container.
        if not job.network:
            for name in _PROXIES:
                yield from (f"{name}=", f"{name.lower()}=")
        for name, value in job.variables.items():
            # An image knows best where its own programs lie.
            if job.image is None or name not in _PLACES:
                yield f"{name}={value}"

    def _binds(self, job: Job, uid: int, gid: int) -> Iterator[str]:
        if job.image is None:
            yield from self._system(job)
        for place, inside in house.furnish(job.base / "etc", home=job.home, uid=uid, gid=gid, network=job.network):
            yield _bind(place, inside, "ro")
        for folder in (job.work, job.home, job.scratch):
            yield _bind(folder, folder, "rw")
        for place in (*job.shown, *job.sealed):
            yield _bind(place, place, "ro")
        for place, inside in job.mounts:
            yield _bind(place, inside, "ro")

    def _system(self, job: Job) -> Iterator[str]:
        """What an empty image shows of this machine: its system, the interpreter, and what they need."""
        for system in ("/usr", *(f"/{name}" for name in SYSTEM if not Path("/", name).is_symlink()), "/nix/store"):
            if Path(system).is_dir():
                yield _bind(system, system, "ro")
        for setting in settings(network=job.network):
            yield _bind(setting, setting, "ro")
        shown = [folder for folder in job.folders if not folder.is_relative_to("/usr")]
        for folder in shown:
            yield _bind(folder, folder, "ro")
        yield from self._links(job, shown)

    def _links(self, job: Job, shown: Sequence[Path]) -> Iterator[str]:
        """A link cannot be bound, only the folder that it lies in: one with nothing but the link."""
        for number, (link, target) in enumerate(job.interpreter.links):
            if not any(link.is_relative_to(folder) for folder in (*shown, Path("/usr"))):
                folder = job.base / "links" / str(number)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / link.name).symlink_to(target)
                yield _bind(folder, link.parent, "ro")


@cache
def find() -> tuple[Engine | None, str]:
    """The first way to start a container that works here, or why there is none."""
    reasons = []
    for name in _ENGINES:
        program = shutil.which(name)
        if program is None:
            continue
        why: str | None = None
        for options in _ways(name):
            engine = Engine(program=program, options=options)
            why = _works(engine)
            if why is None:
                return engine, ""
        reasons.append(f"{name} does not work here: {why}")
    return None, "; ".join(reasons) or "neither podman nor docker is installed (apt-get install podman)"


def _ways(name: str) -> Iterator[tuple[str, ...]]:
    """Options from the plainest on: without systemd, without an overlay file system, in a storage of our own."""
    yield ()
    if name != "podman":
        return
    runtime = shutil.which("runc", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    tame = ("--cgroup-manager", "cgroupfs", "--events-backend", "file", *(("--runtime", runtime) if runtime else ()))
    yield tame
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auditor" / "containers"
    yield ("--root", str(cache_folder / "root"), "--runroot", str(cache_folder / "run"), "--storage-driver", "vfs", *tame)


def _works(engine: Engine) -> str | None:
    """None when a container can be started this way, else why not, in the engine's words."""
    try:
        image = _image(engine)
    except UndecidableError as error:
        return error.message
    # Engines raise two limits by themselves, which needs a privilege.
    low = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=64:64", "--memory", "64m")
    folders = [f"/{name}" for name in ("usr", *SYSTEM) if Path("/", name).is_dir() and not Path("/", name).is_symlink()]
    shown = [word for folder in folders for word in ("--volume", f"{folder}:{folder}:ro")]
    done = _engine(engine, "run", "--rm", "--network", "none", *low, *shown, image, "/usr/bin/true")
    return None if done.returncode == 0 else _words(done)


def _image(engine: Engine) -> str:
    """The name of the empty image, made where it is not there yet.

    Raises:
        UndecidableError: the engine cannot keep images.
    """
    archive = _empty()
    name = f"{_IMAGE}:{len(archive)}-{uuid.uuid5(uuid.NAMESPACE_OID, archive.hex()).hex[:12]}"
    if _engine(engine, "image", "inspect", name).returncode == 0:
        return name
    done = _engine(engine, "import", "-", name, stdin=archive)
    if done.returncode:
        raise UndecidableError(_words(done))
    return name


@cache
def _empty() -> bytes:
    """A file system of empty folders, with the links from ``/bin`` and the like that this machine has."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in _FOLDERS:
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(folder)
        for name in SYSTEM:
            if Path("/", name).is_symlink():
                link = tarfile.TarInfo(name)
                link.type, link.linkname = tarfile.SYMTYPE, str(Path("/", name).readlink())
                archive.addfile(link)
    return content.getvalue()


def _engine(engine: Engine, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            engine.command(*words), input=stdin, env=_client(), capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(words, 1, b"", str(error).encode())


def _client() -> dict[str, str]:
    return {name: os.environ[name] for name in _CLIENT if name in os.environ}


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else f"it ended with status {done.returncode}"


def _bind(source: Path | str, target: Path | str, mode: str) -> str:
    if ":" in f"{source}{target}":
        raise UndecidableError(f"a container cannot be shown {source}: its name holds a colon")
    return f"{source}:{target}:{mode}"
