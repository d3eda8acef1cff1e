"""Says what a sandbox promises, and tries each promise before the sandbox is used for the first time.

What came of it is remembered until the machine starts again, or the program, the kernel or the auditor is another one:
a gate does not pay for it every time. Only success is remembered; whoever repairs something is believed at once.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.errors import UndecidableError
from auditor.reproduce.sandbox import house
from auditor.reproduce.sandbox.interpreter import describe
from auditor.reproduce.sandbox.job import Job, Limits, Sandbox

_INSIDE = Path(__file__).with_name("inside.py")
_FORKS, _MEMORY, _FILE = 48, 192 << 20, 1 << 20
_PATIENCE = 60.0

ISOLATION: Mapping[str, str] = {
    "identity": "another user than root, without capabilities or a way to get some",
    "network": "no network: not out there, not this machine's, no abstract or virtual-machine sockets",
    "secrets": "no secrets: no file and no variable of the auditor, also not through /proc",
    "outside": "nothing but its own folders can be written",
    "remount": "what is read-only stays so",
    "processes": "no other processes are visible",
    "namespaces": "no user namespaces of its own",
}
"""What stands between the code and the machine. A sandbox that breaks one of these is not used."""

LIMITS: Mapping[str, str] = {
    "fork-limit": "the number of processes is limited",
    "memory-limit": "memory is limited",
    "file-limit": "the size of files is limited",
}
"""What keeps the code from disturbing the machine. A broken one is said; the verdict does not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What became of one promise; ``broken`` says how, in words, and is empty for one that was kept."""

    name: str
    words: str
    broken: tuple[str, ...]

    @property
    def isolates(self) -> bool:
        """Whether the sandbox is of no use without it."""
        return self.name in ISOLATION


def tried(sandbox: Sandbox, program: Path, *, about: str = "") -> tuple[Promise, ...]:
    """What each promise of ``sandbox`` came to, now or since this machine started.

    Args:
        sandbox: the one to try.
        program: what it starts; another one is tried anew.
        about: whatever else decides how it works.

    Raises:
        UndecidableError: the sandbox cannot be built.
    """
    memory = _memory(program, about)
    if memory is not None and (known := _remembered(memory)) is not None:
        return known
    found = prove(sandbox)
    if memory is not None and not any(promise.broken for promise in found if promise.isolates):
        _remember(memory, found)
    return found


def prove(sandbox: Sandbox) -> tuple[Promise, ...]:
    """Try every promise of ``sandbox`` now.

    Raises:
        UndecidableError: the sandbox cannot be built.
    """
    mark = secrets.token_hex(16)
    with (
        tempfile.TemporaryDirectory(prefix="auditor-") as name,
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
    ):
        folder = Path(name).resolve()
        base = folder / "base"
        for part in ("work", "home", "scratch", "shown"):
            (base / part).mkdir(parents=True)
        (folder / "secret").write_text(mark, encoding="ascii")
        (base / "work" / "sealed").write_text("sealed", encoding="ascii")
        if sys.platform == "linux":
            abstract.bind(f"\0{mark}")
            abstract.listen()
        planted = {
            "port": str(listening.getsockname()[1]),
            "abstract": mark,
            "secret": str(folder / "secret"),
            "variable": mark,
            "readable": str(base / "shown"),
            "sealed": str(base / "work" / "sealed"),
            "forks": str(_FORKS),
            "memory": str(_MEMORY),
            "file": str(_FILE),
        }
        os.environ["AUDITOR_PLANTED"] = mark
        try:
            ended = sandbox.run(_job(base, json.dumps(planted)))
        finally:
            del os.environ["AUDITOR_PLANTED"]
    try:
        found = json.loads(ended.stdout_tail)
    except ValueError:
        words = " ".join((ended.stderr_tail or ended.stdout_tail).split())[:200]
        raise UndecidableError(f"its self-test did not end: {words or f'status {ended.exit}'}") from None
    return tuple(
        Promise(name=name, words=words, broken=tuple(map(str, found.get(name, ["it was not tried"]))))
        for name, words in {**ISOLATION, **LIMITS}.items()
    )


def _job(base: Path, planted: str) -> Job:
    interpreter = describe(sys.executable)
    home, scratch = base / "home", base / "scratch"
    return Job(
        argv=(str(interpreter.path), "-I", "-c", _INSIDE.read_text(encoding="utf-8"), planted),
        interpreter=interpreter,
        base=base,
        work=base / "work",
        home=home,
        scratch=scratch,
        folders=interpreter.folders(base),
        shown=(base / "shown",),
        sealed=(base / "work" / "sealed",),
        variables=house.variables(interpreter, home=home, scratch=scratch),
        timeout=_PATIENCE,
        limits=Limits(processes=_FORKS, memory=_MEMORY, file_size=_FILE),
    )


def _memory(program: Path, about: str) -> Path | None:
    """Where what was found is remembered; the name holds everything that could change it. None where nothing can be."""
    try:
        status = program.stat()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        key = digest.of_value(
            {
                "boot": boot,
                "kernel": platform.release(),
                "program": [str(program), status.st_size, str(status.st_mtime_ns)],
                "about": about,
                "user": os.geteuid(),
                "python": sys.executable,
                "probe": digest.of_bytes(_INSIDE.read_bytes()),
            }
        )
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "auditor" / "sandbox" / f"{key.removeprefix('sha256:')[:32]}.json"
    except (OSError, RuntimeError):
        return None


def _remembered(place: Path) -> tuple[Promise, ...] | None:
    try:
        about = place.lstat()
        # Whoever could write here could claim anything: it has to be ours alone.
        if about.st_uid != os.geteuid() or about.st_mode & 0o022 or place.is_symlink():
            return None
        rows = json.loads(place.read_text(encoding="utf-8"))
        found = {str(name): tuple(map(str, broken)) for name, broken in rows.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    words = {**ISOLATION, **LIMITS}
    if found.keys() != words.keys() or any(found[name] for name in ISOLATION):
        return None
    return tuple(Promise(name=name, words=words[name], broken=found[name]) for name in words)


def _remember(place: Path, found: tuple[Promise, ...]) -> None:
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = place.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps({promise.name: promise.broken for promise in found}), encoding="utf-8")
        part.chmod(0o600)
        part.replace(place)
