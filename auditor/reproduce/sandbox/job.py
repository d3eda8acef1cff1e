"""What a sandbox is given and what it gives back."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from auditor.model.words import Isolation
from auditor.reproduce.sandbox.interpreter import Interpreter


def _most_memory() -> int:
    """Three quarters of what this machine has: its other programs, the auditor among them, go on."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a command may use at most. Sizes are in bytes.

    Attributes:
        memory: of the whole tree where control groups can be used, of each process otherwise.
        disk: that it writes in all, into its own folders.
        printed: that it prints in all; ``output`` is what is kept of each of its two streams.
    """

    file_size: int = 16 << 30
    open_files: int = 4096
    processes: int = 512
    memory: int = field(default_factory=_most_memory)
    disk: int = 64 << 30
    printed: int = 1 << 30
    output: int = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One command in one workspace. All paths are on this machine and the same inside; ``timeout`` is in seconds.

    Attributes:
        base: the temporary folder that holds all others; ``work``, ``home`` and ``scratch`` may be written.
        folders: folders of the interpreter and its packages, outside the workspace, that may be read.
        shown: folders and files below ``base`` that may be read (effective configuration, probe).
        sealed: inputs inside ``work`` that may only be read.
        mounts: ``(file here, absolute path inside)``.
        cancel: set from another thread to end the command at once.
        image: a container image by digest, whose files take the place of this machine's system and interpreter.
        network: whether it may reach the network. For installers alone: what is under judgement never may.
    """

    argv: tuple[str, ...]
    interpreter: Interpreter
    base: Path
    work: Path
    home: Path
    scratch: Path
    folders: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()
    sealed: tuple[Path, ...] = ()
    mounts: tuple[tuple[Path, str], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 120.0
    limits: Limits = field(default_factory=Limits)
    cancel: threading.Event = field(default_factory=threading.Event)
    network: bool = False
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """What became of a command.

    ``exit`` is negative for a signal; tails are the last part of its output, as it was. ``ended_for`` says which limit it
    was ended for, None where it came to its own end, or to that of its time.
    """

    exit: int
    timed_out: bool
    seconds: float
    stdout_tail: str
    stderr_tail: str
    isolation: Isolation
    ended_for: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the command ended by itself, and well."""
        return self.exit == 0 and not self.timed_out and self.ended_for is None


class Sandbox(Protocol):
    """Something that runs a command apart from this machine, as far as its ``isolation`` says."""

    @property
    def isolation(self) -> Isolation:
        """The name under which results are reported."""
        ...

    def run(self, job: Job) -> Execution:
        """Run ``job`` to its end, its time limit or its cancellation; no process of it is left afterwards.

        Raises:
            UndecidableError: the sandbox itself could not be built.
        """
        ...
