"""Runs a command as a plain process: for a person's own run on a machine without a sandbox. It isolates nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import uuid
from pathlib import Path

from auditor.model.words import Isolation
from auditor.reproduce.sandbox import process
from auditor.reproduce.sandbox.job import Execution, Job
from auditor.reproduce.sandbox.usage import Usage

_MARK = "AUDITOR_EXECUTION"


class Unisolated:
    """A process in its own session with the sandbox's environment, killed with all its children."""

    isolation = Isolation.NONE

    def run(self, job: Job) -> Execution:
        """Run ``job``; see :class:`~auditor.reproduce.sandbox.job.Sandbox`."""
        mark = uuid.uuid4().hex
        argv = list(job.argv)
        usage = Usage((job.work, job.home, job.scratch), job.limits.disk)
        try:
            ended = process.run(
                [*process.limited(job.limits, timeout=job.timeout, count_processes=False), *argv],
                directory=job.work,
                variables={**job.variables, _MARK: mark},
                timeout=job.timeout,
                limits=job.limits,
                cancel=job.cancel,
                complaint=usage.complaint,
            )
        except OSError as error:
            return Execution(
                exit=127,
                timed_out=False,
                seconds=0.0,
                stdout_tail="",
                stderr_tail=f"failed to execute {argv[0]}: {error.strerror}",
                isolation=self.isolation,
            )
        finally:
            _end_marked(mark)
        return Execution(
            exit=ended.exit,
            timed_out=ended.timed_out,
            seconds=ended.seconds,
            stdout_tail=ended.stdout.decode(errors="replace"),
            stderr_tail=ended.stderr.decode(errors="replace"),
            isolation=self.isolation,
            ended_for=ended.ended_for,
        )


def _end_marked(mark: str) -> None:
    """End what left the session: a daemon keeps the environment it was started with, where /proc shows it."""
    needle = f"{_MARK}={mark}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if needle in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)
