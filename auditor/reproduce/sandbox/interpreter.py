"""Finds the interpreter of a re-execution and what of this machine it needs to see."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auditor.environment.interpreter import executable
from auditor.errors import UndecidableError
from auditor.git import GitError
from auditor.reproduce import plumbing

_PYTHON = re.compile(r"^(python|pypy)[0-9.]*t?$")
_PATIENCE = 60.0
# Asked of the interpreter itself: shims, virtual environments and path files answer for themselves.
_QUESTION = """
import json, site, sys
print(json.dumps({
    "executable": sys.executable,
    "prefixes": [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix],
    "path": [entry for entry in sys.path if entry],
    "user": site.getuserbase() if site.ENABLE_USER_SITE else None,
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One interpreter on this machine.

    Attributes:
        path: its own absolute path, links kept (a virtual environment is known by the place of its link).
        prefixes: folders that hold it and its packages.
        links: ``(link, target)`` between ``path`` and the real program.
        user: its user base (``~/.local``), if it uses one.
    """

    path: Path
    prefixes: tuple[Path, ...]
    search: tuple[Path, ...]
    links: tuple[tuple[Path, str], ...]
    user: Path | None = None

    def editable(self, repository: Path) -> tuple[str, ...]:
        """Folders of ``repository`` that the interpreter imports from by itself, relative to it: editable installs."""
        inside = (entry for entry in self.search if entry.is_relative_to(repository))
        ours = (entry for entry in inside if not any(entry.is_relative_to(prefix) for prefix in self.prefixes))
        return tuple(entry.relative_to(repository).as_posix() for entry in ours)

    def folders(self, repository: Path) -> tuple[Path, ...]:
        """Folders to show read-only so that the interpreter works; never one that holds ``repository``."""
        wanted = {*self.prefixes, *self.search, *([self.user] if self.user else [])}
        # Not the whole machine, not a whole home, and not the auditor's own sources where it is installed from them.
        roots = {Path("/"), Path.home(), Path(__file__).resolve().parents[3]}
        allowed = sorted(
            folder
            for folder in wanted
            if folder.is_absolute() and folder.exists() and folder not in roots and not repository.is_relative_to(folder)
        )
        own = [folder for folder in allowed if not folder.is_relative_to(repository) or self._is_prefix(folder)]
        return tuple(f for f in own if not any(f != other and f.is_relative_to(other) for other in own))

    def _is_prefix(self, folder: Path) -> bool:
        return any(folder.is_relative_to(prefix) for prefix in self.prefixes)


def is_python(word: str) -> bool:
    """Whether a word of a command line names a Python interpreter."""
    return _PYTHON.match(Path(word).name) is not None


def find(argv: Sequence[str], directory: Path) -> Interpreter:
    """The interpreter that a recorded command would start here.

    The recorded path if it exists, else the same name on PATH, else ``python`` on PATH, else the one that runs the auditor.

    Raises:
        UndecidableError: none of them can be asked what it is.
    """
    word = argv[0] if argv and is_python(argv[0]) else "python"
    names = [word, Path(word).name, "python3", "python"] if os.sep in word else [word, "python", "python3"]
    refused = ""
    for name in dict.fromkeys([*names, sys.executable]):
        path = executable(name, os.environ, directory)
        if path is None:
            continue
        if _is_committed(Path(path), directory):
            refused = f"{name} is committed in the repository under audit, and is not started outside of the sandbox"
            continue
        try:
            return describe(path)
        except UndecidableError as error:
            refused = error.message
    raise UndecidableError(refused or "there is no python here to re-execute the run with")


def _is_committed(path: Path, repository: Path) -> bool:
    """Whether an interpreter, or anything in the environment that it belongs to, is part of what is judged."""
    place = Path(os.path.abspath(path))  # noqa: PTH100  (links stay: where it is named decides, and where it leads, too)
    for known in (place, place.resolve()):
        if not known.is_relative_to(repository):
            continue
        folder = known.parent.parent if known.parent.name in {"bin", "Scripts"} else known
        try:
            if plumbing.git(repository, "ls-files", "-z", "--", str(folder)):
                return True
        except GitError:
            continue  # no repository: nothing is committed
    return False


@cache
def describe(path: str) -> Interpreter:
    """The interpreter at ``path``, asked once.

    Raises:
        UndecidableError: it does not answer.
    """
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [path, "-c", _QUESTION], cwd="/", env=variables, capture_output=True, check=True, timeout=_PATIENCE
        )
        about = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UndecidableError(f"{path} cannot be asked what it is: {error}") from error
    own = Path(about["executable"] or path)
    return Interpreter(
        path=own,
        prefixes=tuple(dict.fromkeys(Path(prefix) for prefix in about["prefixes"])),
        search=tuple(Path(entry) for entry in about["path"]),
        links=links(own),
        user=Path(about["user"]) if about["user"] else None,
    )


def links(path: Path) -> tuple[tuple[Path, str], ...]:
    """``(link, target)`` for each link between ``path`` and the real program."""
    found = []
    for _ in range(16):
        if not path.is_symlink():
            break
        target = str(path.readlink())
        found.append((path, target))
        path = path.parent / target
    return tuple(found)
