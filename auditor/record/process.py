"""Starts the recorded command, lets it have the terminal, and waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from auditor.errors import UsageError
from auditor.record.tracing import child_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the command ended. ``status`` is its exit code, 128 + n when signal n killed it; ``seconds`` is wall time."""

    status: int
    interrupted: bool
    started: datetime
    finished: datetime
    seconds: float


def execute(argv: Sequence[str], variables: Mapping[str, str], directory: Path, *, tracer: Sequence[str] = ()) -> Ended:
    """Runs ``argv``, behind ``tracer`` where there is one, to its end.

    Standard input, output and error are this process's own, untouched. Ctrl-C reaches the command by itself, as part of the
    terminal's foreground group; this process waits for it. A SIGTERM or SIGHUP to this process is passed on. Either marks
    the run as interrupted. A command that hangs is waited for: whoever started it decides.

    Raises:
        UsageError: the command could not be started.
    """
    signals: list[int] = []
    with _passing_on(signals, traced=bool(tracer)) as children:
        started, clock = datetime.now(UTC), time.perf_counter()
        try:
            process = subprocess.Popen([*tracer, *argv], cwd=directory, env=dict(variables))
        except OSError as error:
            raise UsageError(f"{argv[0]} cannot be started: {error.strerror}") from error
        children.append(process)
        code = process.wait()
    interrupted = bool(signals) or code == -signal.SIGINT
    status = 128 - code if code < 0 else code
    seconds = time.perf_counter() - clock
    return Ended(status=status, interrupted=interrupted, started=started, finished=datetime.now(UTC), seconds=seconds)


@contextlib.contextmanager
def _passing_on(received: list[int], *, traced: bool) -> Iterator[list[subprocess.Popen[bytes]]]:
    """While in here, signals do not end this process. Those the terminal does not send to everybody are forwarded."""
    children: list[subprocess.Popen[bytes]] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if number != signal.SIGINT:
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    # A tracer ends with its command, and hands on no signal of its own.
                    os.kill((child_of(child.pid) if traced else None) or child.pid, number)

    # A handler resets to the default when the child starts its program; "ignored" (nohup, background jobs) must stay so.
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    is_main = threading.current_thread() is threading.main_thread()
    former = {n: signal.getsignal(n) for n in watched if is_main and signal.getsignal(n) is not signal.SIG_IGN}
    for number in former:
        signal.signal(number, note)
    try:
        yield children
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
