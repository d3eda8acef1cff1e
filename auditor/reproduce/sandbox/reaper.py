"""Removes a container when its auditor is done with it, and just as well when its auditor was killed.

An engine starts containers for whoever asks and keeps them when that one is gone. So a shell waits at the end of a pipe
whose other end only this process holds: a word through it, or its closing by whatever ends this process, has the container
removed.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

_PATIENCE = 60.0
_WAIT = "if read -r _; then {remove}; else for _ in 1 2 3 4 5; do {remove}; sleep 1; done; fi"
"""A client that outlives us for a moment may still be about to start the container: then it takes more than one removal."""


@contextmanager
def reaped(removal: Sequence[str], variables: Mapping[str, str]) -> Iterator[None]:
    """Run the command ``removal`` at the end of the block, or at the end of this process.

    Raises:
        OSError: the shell cannot be started.
    """
    waiting = subprocess.Popen(
        ["/bin/sh", "-c", _WAIT.format(remove=shlex.join(removal))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=dict(variables),
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(OSError, subprocess.TimeoutExpired):
            waiting.communicate(b"done\n", timeout=_PATIENCE)
