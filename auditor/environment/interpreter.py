"""Finds the Python interpreter that a command line starts."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PYTHON = re.compile(r"^(python|pypy)[0-9.]*t?(\.exe)?$")
_ASSIGNMENT = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*=")
_HOPS = 4
_FIRST_LINE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """``path`` of the interpreter, None when there is none at all; ``assumed`` says why it is only a guess."""

    path: str | None
    assumed: str | None = None


def resolve(argv: Sequence[str], variables: Mapping[str, str], directory: Path) -> Interpreter:
    """The interpreter that ``argv`` would start in ``directory`` with ``variables``.

    Known are interpreters by name, ``env [NAME=VALUE]... PROGRAM``, and scripts by their first line (``#!``), so console
    scripts of a virtual environment too. Anything else (a shell script, a binary) falls back on the ``python`` of PATH.
    """
    words = list(argv)
    for _ in range(_HOPS):
        words = _behind_env(words)
        if not words:
            break
        program = executable(words[0], variables, directory)
        if program is None:
            break
        # By name first: the launchers of pyenv and conda are shell scripts called python.
        if _PYTHON.match(Path(words[0]).name):
            return Interpreter(path=program)
        words = _shebang(Path(program))
    named = argv[0] if argv else "no command"
    fallback = executable("python3", variables, directory) or executable("python", variables, directory)
    preferred = executable("python", variables, directory) or fallback
    return Interpreter(
        path=preferred, assumed=f"{named} does not say which interpreter it starts; taken is the python on PATH"
    )


def executable(name: str, variables: Mapping[str, str], directory: Path) -> str | None:
    """Absolute path of the program ``name`` as the operating system would find it from ``directory``, or None.

    Links are not resolved: a virtual environment is known by the place of its link.
    """
    if os.sep in name:
        path = directory / name
        return os.path.abspath(path) if path.is_file() and os.access(path, os.X_OK) else None  # noqa: PTH100 (keeps links)
    return shutil.which(name, path=variables.get("PATH", os.defpath))


def _behind_env(words: list[str]) -> list[str]:
    if not words or Path(words[0]).name != "env":
        return words
    rest = words[1:]
    if rest and rest[0].startswith("-S"):
        rest = shlex.split(" ".join([rest[0].removeprefix("-S"), *rest[1:]]))
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] in {"-i", "-"}):
        rest = rest[1:]
    return rest


def _shebang(program: Path) -> list[str]:
    try:
        with program.open("rb") as stream:
            line = stream.readline(_FIRST_LINE)
            second = stream.readline(_FIRST_LINE)
    except OSError:
        return []
    if not line.startswith(b"#!"):
        return []
    words = line[2:].decode(errors="surrogateescape").split()
    # Installers write `#!/bin/sh` + `'''exec' "/long path/python" "$0" "$@"` where a path is too long or has spaces.
    if words and Path(words[0]).name == "sh" and second.startswith(b"'''exec' "):
        return shlex.split(second.decode(errors="surrogateescape").removeprefix("'''exec' "))[:1]
    return words
