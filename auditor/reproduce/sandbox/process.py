"""Runs one process with its output bounded, its time limited and its whole session killed afterwards."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from auditor.reproduce.sandbox.job import Limits

_STEP = 0.05
_BLOCK = 1 << 16
_GRACE = 5.0


def _content() -> str | None:
    """Nothing to complain about."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended; ``exit`` is negative for a signal, ``seconds`` is wall time.

    ``ended_for`` says which limit it was ended for, None for that of time and for none.
    """

    exit: int
    timed_out: bool
    ended_for: str | None
    seconds: float
    stdout: bytes
    stderr: bytes


class _Tail:
    """Keeps the last ``limit`` bytes of a stream."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self.stream = stream
        self._limit = limit
        self.total = 0
        self._kept = bytearray()

    def read(self) -> bool:
        """Take what is there; False at the end of the stream."""
        block = os.read(self.stream.fileno(), _BLOCK)
        self.total += len(block)
        self._kept += block
        del self._kept[: -self._limit]
        return bool(block)

    def content(self) -> bytes:
        return bytes(self._kept)


def run(  # noqa: PLR0913  (one call that says everything reads better than a noun used once)
    argv: Sequence[str],
    *,
    directory: Path,
    variables: Mapping[str, str],
    timeout: float,
    limits: Limits,
    cancel: threading.Event,
    pass_fds: Sequence[int] = (),
    complaint: Callable[[], str | None] = _content,
) -> Ended:
    """Run ``argv`` in its own session for at most ``timeout`` seconds, keeping the end of what it prints.

    ``complaint`` is asked every so often, and tells why it has to be ended before its time.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        argv,
        cwd=directory,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=pass_fds,
    )
    timed_out, reason = False, None
    try:
        tails = [_Tail(stream, limits.output) for stream in (process.stdout, process.stderr) if stream]
        with selectors.DefaultSelector() as waiting:
            for tail in tails:
                waiting.register(tail.stream, selectors.EVENT_READ, tail)

            def objection() -> str | None:
                if sum(tail.total for tail in tails) > limits.printed:
                    return f"the command printed more than {limits.printed} bytes"
                return complaint()

            while (going := _follow(process, waiting)) and not timed_out and reason is None:
                timed_out = time.monotonic() > started + timeout or cancel.is_set()
                reason = objection()
            timed_out = timed_out and going
            kill(process)
            _drain(waiting)
    finally:
        kill(process)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    stdout, stderr = (tail.content() for tail in tails)
    seconds = time.monotonic() - started
    return Ended(
        exit=process.returncode, timed_out=timed_out, ended_for=reason, seconds=seconds, stdout=stdout, stderr=stderr
    )


def _follow(process: subprocess.Popen[bytes], waiting: selectors.BaseSelector) -> bool:
    """Read what is there, for a moment; False once the process has ended."""
    if process.poll() is not None:
        return False
    if waiting.get_map():
        _read(waiting, _STEP)
    else:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STEP)
    return True


def _drain(waiting: selectors.BaseSelector) -> None:
    """Read what is left after the kill. A process that escaped the kill and holds the pipe does not keep us for ever."""
    deadline = time.monotonic() + _GRACE
    while waiting.get_map() and time.monotonic() < deadline and _read(waiting, _STEP):
        pass


def _read(waiting: selectors.BaseSelector, patience: float) -> bool:
    ready = waiting.select(patience)
    for key, _ in ready:
        if not key.data.read():
            waiting.unregister(key.fileobj)
    return bool(ready)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and everything in its session that did not leave it."""
    # The group outlives its leader, and the leader's id is not given anew while a member is there.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def limited(limits: Limits, *, timeout: float, count_processes: bool) -> list[str]:
    """The command prefix that lowers resource limits, [] where there is no ``prlimit``.

    ``count_processes`` is for users with nothing else running: the limit counts all processes of a user.
    """
    program = shutil.which("prlimit")
    if program is None:
        return []
    cpus = os.cpu_count() or 1
    wanted = {
        "core": (resource.RLIMIT_CORE, 0),
        "fsize": (resource.RLIMIT_FSIZE, limits.file_size),
        "nofile": (resource.RLIMIT_NOFILE, limits.open_files),
        "cpu": (resource.RLIMIT_CPU, int(timeout * cpus) + 1),
        "data": (resource.RLIMIT_DATA, limits.memory),
    }
    if count_processes:
        wanted["nproc"] = (resource.RLIMIT_NPROC, limits.processes)
    return [program, *(f"--{name}={_lower(which, value)}" for name, (which, value) in wanted.items())]


def _lower(which: int, value: int) -> int:
    """``value``, or the present hard limit where that is lower: raising one needs a privilege."""
    hard = resource.getrlimit(which)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)
