"""Observes opened files by tracing system calls (strace): sees readers in C and programs that are not Python, too."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from auditor.errors import UsageError

_CALLS: Final = "open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,execve"
_LONGEST: Final = "4096"
_PATIENCE: Final = 20.0
_LINE = re.compile(rb"(?P<when>[0-9.]+) (?P<call>[a-z0-9]+)\((?P<arguments>.*)\) += (?P<result>-?[0-9]+)(?:<|\s|$)")
_TEXT = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(rb"(?:AT_FDCWD|[0-9]+)<((?:[^>\\]|\\.)*)>\s*,\s*\Z")
_HERE = re.compile(rb"AT_FDCWD<((?:[^>\\]|\\.)*)>")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-f]{2}|.)", re.DOTALL)
_SIGNS: Final = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Opened:
    """One successful call: ``when`` in seconds since 1970, ``path`` absolute as the program named it."""

    when: float
    path: str
    kind: Literal["read", "write", "both"]


def prefix(folder: Path) -> list[str]:
    """What to put in front of a command so that it is traced into ``folder``, with its children.

    Tracing by a filter in the kernel (``--seccomp-bpf``) is used where it works: other calls then cost nothing.

    Raises:
        UsageError: strace is not installed, or this machine does not let it trace.
    """
    program = shutil.which("strace")
    if program is None:
        raise UsageError("--observe strace: there is no strace here", hint="apt-get install strace, or leave --observe out")
    common = [program, "-f", "-ff", "-qq", "-y", "-ttt", "-s", _LONGEST, "-e", f"trace={_CALLS}", "-e", "signal=none"]
    for options in (["--seccomp-bpf"], []):
        probe = [*common, *options, "-o", str(folder / "probe"), "true"]
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=True)
            for file in folder.glob("probe.*"):
                file.unlink()
            return [*common, *options, "-o", str(folder / "trace"), "--"]
    raise UsageError(
        "--observe strace: strace cannot trace here",
        hint="in a container allow it (--cap-add=SYS_PTRACE), or leave --observe out",
    )


def opened(folder: Path) -> list[Opened]:
    """All files that a traced command and its children opened, in the order of time."""
    return sorted(entry for file in folder.glob("trace.*") for entry in _of_process(file))


def processes(folder: Path) -> int:
    """How many processes and threads were traced."""
    return sum(1 for _ in folder.glob("trace.*"))


def _of_process(file: Path) -> Iterator[Opened]:
    here = b""
    with file.open("rb") as stream:
        for line in stream:
            match = _LINE.match(line)
            if match is None:
                continue
            if at := _HERE.search(match["arguments"]):
                here = at[1]
            if not match["result"].startswith(b"-"):
                yield from _entries(float(match["when"]), match["call"], match["arguments"], here)


def _entries(when: float, call: bytes, arguments: bytes, here: bytes) -> Iterator[Opened]:
    texts = list(_TEXT.finditer(arguments))
    if not texts:
        return
    if call.startswith((b"rename", b"link")):
        # What was put there under another name was made by the run.
        if len(texts) > 1:
            yield Opened(when=when, path=_path(arguments, texts[1], here), kind="write")
        return
    path = _path(arguments, texts[0], here)
    flags = arguments[texts[0].end() :]
    if call == b"creat" or b"O_WRONLY" in flags or b"O_TRUNC" in flags:
        yield Opened(when=when, path=path, kind="write")
    elif b"O_DIRECTORY" not in flags:
        yield Opened(when=when, path=path, kind="both" if b"O_RDWR" in flags else "read")


def _path(arguments: bytes, text: re.Match[bytes], here: bytes) -> str:
    """An absolute path: a relative one is joined to the folder that stands before it, or to the process's last known one."""
    folder = _FOLDER.search(arguments[: text.start()])
    whole = os.path.join(_plain(folder[1] if folder else here), _plain(text[1]))  # noqa: PTH118  (bytes)
    return os.path.normpath(os.fsdecode(whole))


def _plain(escaped: bytes) -> bytes:
    def sign(match: re.Match[bytes]) -> bytes:
        word = match[1]
        if word[:1].isdigit():
            return bytes([int(word, 8) & 0xFF])
        if word[:1] == b"x" and len(word) == 3:
            return bytes([int(word[1:], 16)])
        return _SIGNS.get(word, word)

    return _ESCAPE.sub(sign, escaped)


def child_of(tracer: int) -> int | None:
    """The traced command's process: signals meant for it must not end its tracer. None when it is gone."""
    try:
        children = Path(f"/proc/{tracer}/task/{tracer}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(children[0]) if children else None
