"""Builds the environment that a lock describes, once for each lock, interpreter and platform, and lends it read-only.

1. The lock is read into pins; nothing of it is handed on as it stands.
2. The installer runs in the sandbox, with a network and without anything else: no secrets, no configuration, no cache.
   It gets wheels alone, so that no code of a package runs, unless the policy allows building.
3. What it made is listed, moved below the git common directory and used from there; a listing that no longer fits is a
   reason to build again.

No program of such an environment is ever started outside of a sandbox: packages may bring start-up files.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.errors import UndecidableError
from auditor.model.words import Isolation
from auditor.reproduce.environment.base import Base
from auditor.reproduce.environment.installer import Installer, certificates, connection
from auditor.reproduce.environment.lock import Pins
from auditor.reproduce.sandbox import Interpreter, Job, Sandbox, house
from auditor.reproduce.sandbox.interpreter import links

_LISTING = "listing.json"
_LAST_WORDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What decides an environment. ``index`` is the policy's, None for the installer's default; so is ``build``."""

    pins: Pins
    base: Base
    installer: Installer
    index: str | None
    build: bool

    @property
    def key(self) -> str:
        """Names the environment: another lock, interpreter or platform is another one."""
        about = {
            "pins": self.pins.text(),
            "interpreter": self.base.identity,
            "installer": self.installer.name,
            "index": self.index,
            "build": self.build,
        }
        return digest.of_value(about).removeprefix("sha256:")[:32]


def rebuild(recipe: Recipe, folder: Path, sandbox: Sandbox, *, timeout: float) -> Interpreter:
    """The interpreter of the environment that ``recipe`` describes, kept below ``folder``.

    Raises:
        UndecidableError: it cannot be built here; the message says why.
    """
    if recipe.build and sandbox.isolation is Isolation.NONE:
        raise UndecidableError("packages are built in a sandbox only")
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / recipe.key
    with _alone(folder / f"{recipe.key}.lock"):
        if not _is_whole(place):
            shutil.rmtree(place, ignore_errors=True)
            _build(recipe, place, sandbox, timeout)
    return _interpreter(place / "env", recipe.base)


def _build(recipe: Recipe, place: Path, sandbox: Sandbox, timeout: float) -> None:
    with tempfile.TemporaryDirectory(prefix=".part-", dir=place.parent, ignore_cleanup_errors=True) as name:
        room = Path(name).resolve()
        room.chmod(0o755)
        for part in ("work", "home", "scratch", "shown"):
            (room / part).mkdir()
        requirements = room / "shown" / "requirements.txt"
        requirements.write_text(recipe.pins.text(), encoding="utf-8")
        made = room / "work" / "env"
        steps = recipe.installer.steps(recipe.base, made, requirements, index=recipe.index, build=recipe.build)
        for argv in steps:
            _step(argv, recipe, room, sandbox, timeout)
        _take(made)
        kept = room / "kept"
        kept.mkdir()
        made.rename(kept / "env")
        (kept / _LISTING).write_text(json.dumps(_listing(kept / "env")), encoding="utf-8")
        kept.rename(place)


def _step(argv: tuple[str, ...], recipe: Recipe, room: Path, sandbox: Sandbox, timeout: float) -> None:
    base = Interpreter(path=recipe.base.path, prefixes=recipe.base.prefixes, search=(), links=links(recipe.base.path))
    variables = house.variables(base, home=room / "home", scratch=room / "scratch") | connection()
    variables |= {"UV_CACHE_DIR": str(room / "scratch" / "uv"), "UV_CONCURRENT_INSTALLS": "2"}
    known = certificates()
    if known:
        variables["SSL_CERT_FILE"] = variables["PIP_CERT"] = str(known[0])
    job = Job(
        argv=argv,
        interpreter=base,
        base=room,
        work=room / "work",
        home=room / "home",
        scratch=room / "scratch",
        folders=(*recipe.base.prefixes, *recipe.installer.folders, *_local(recipe.index)),
        shown=(room / "shown",),
        mounts=tuple((file, str(file)) for file in known),
        variables=variables,
        timeout=timeout,
        network=True,
    )
    ended = sandbox.run(job)
    if ended.timed_out:
        raise UndecidableError(f"{recipe.installer.name} was not done after {timeout:.0f} s")
    if not ended.succeeded:
        words = " ".join((ended.stderr_tail or ended.stdout_tail).split())
        raise UndecidableError(f"{recipe.installer.name} says: {words[:_LAST_WORDS] or f'status {ended.exit}'}")


def _local(index: str | None) -> tuple[Path, ...]:
    """The folder of an index that lies on this machine."""
    return (Path(index.removeprefix("file://")),) if index is not None and index.startswith("file://") else ()


def _take(made: Path) -> None:
    """Make what the sandbox's user wrote ours, and nothing of it writable or more powerful than it looks."""
    uid, gid = os.geteuid(), os.getegid()
    for where, names, files in os.walk(made):
        for name in (".", *names, *files):
            path = Path(where, name)
            if uid == 0:
                os.chown(path, uid, gid, follow_symlinks=False)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
                path.chmod(0o755 if mode & 0o111 else 0o644)
            elif not stat.S_ISLNK(mode):
                raise UndecidableError(f"a package brought something that is no file: {name!r}")


def _listing(env: Path) -> list[list[object]]:
    """Every file with its size and time of change: enough to notice what was written by accident, or clumsily."""
    rows: list[list[object]] = []
    waiting = [str(env)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    about = entry.stat(follow_symlinks=False)
                    rows.append([entry.path.removeprefix(f"{env}/"), about.st_size, about.st_mtime_ns])
    return sorted(rows, key=lambda row: str(row[0]))


def _is_whole(place: Path) -> bool:
    try:
        known = json.loads((place / _LISTING).read_text(encoding="utf-8"))
        return bool(known == _listing(place / "env"))
    except (OSError, ValueError):
        return False


def _interpreter(env: Path, base: Base) -> Interpreter:
    python = env / "bin" / "python"
    site = env / "lib" / f"python{base.minor}" / "site-packages"
    return Interpreter(
        path=python, prefixes=(env, *base.prefixes), search=(site,), links=(*links(python), *links(base.path))
    )


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """While in here, nobody else builds the same environment."""
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
