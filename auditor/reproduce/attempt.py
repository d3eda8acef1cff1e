"""Executes the recorded command once, with or without a change, and keeps its workspace for looking at."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from auditor import digest
from auditor.environment import allowed
from auditor.errors import UndecidableError
from auditor.model.run import DataSource, Reproduction, Run
from auditor.model.words import Isolation
from auditor.reproduce import configure, thin
from auditor.reproduce.configure import Changes
from auditor.reproduce.expected import outputs_of
from auditor.reproduce.inputs import Inputs
from auditor.reproduce.request import Request
from auditor.reproduce.sandbox import Execution, Interpreter, Job, Sandbox, house, is_python
from auditor.reproduce.workspace import Made, Workspace

_PROBE = Path(__file__).with_name("probe.py")
_LEDGER_LIMIT = 4 << 20
_PATIENCE = 600.0
_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Seeding:
    """One explicit seed that the program handed to a random generator.

    ``at`` is ``file:line`` of its caller in the workspace; ``splits`` tells that it only cuts training from test rows.
    """

    call: str
    seed: str
    at: str = ""
    splits: bool = False

    @property
    def key(self) -> str:
        """What the probe knows it by."""
        return f"{self.call}={self.seed}"


class Attempt:
    """One execution. Its workspace lives until the bench is closed."""

    def __init__(self, workspace: Workspace, job: Job, inputs: Sequence[DataSource]) -> None:
        self.workspace = workspace
        self.job = job
        self.inputs = inputs
        self._execution: Execution | None = None

    @property
    def execution(self) -> Execution:
        """How the command ended."""
        if self._execution is None:
            raise RuntimeError("the attempt was not run")
        return self._execution

    def run(self, sandbox: Sandbox) -> None:
        """Execute the command. Raises UndecidableError when the sandbox cannot be built."""
        self._execution = sandbox.run(self.job)

    def made(self, path: str) -> Made:
        """A declared output; see :meth:`Workspace.made`."""
        return self.workspace.made(path)

    def digest(self, path: str) -> str | None:
        """Digest of an output that the command created, a folder's as ``format: tree``; None for nothing."""
        place = self.made(path).path
        try:
            return None if place is None else digest_of(place)
        except OSError:
            return None

    def input(self, path: str) -> Path | None:
        """The input that the command saw at ``path``, on this machine."""
        return self.workspace.input(path)

    def seedings(self) -> frozenset[Seeding]:
        """The explicit seeds that the probe wrote down; empty when it could not, or when the command spoilt its notes."""
        place = self.workspace.scratch / "seeds"
        try:
            if not stat.S_ISREG(place.lstat().st_mode):
                return frozenset()
            with place.open("rb") as stream:
                lines = stream.read(_LEDGER_LIMIT).decode(errors="replace").splitlines()
        except OSError:
            return frozenset()
        found = set()
        for line in lines:
            try:
                entry = json.loads(line)
                found.add(
                    Seeding(
                        call=str(entry["call"]),
                        seed=str(entry["seed"]),
                        at=str(entry["at"]),
                        splits=entry["splits"] is True,
                    )
                )
            except (ValueError, TypeError, KeyError, RecursionError):
                continue
        return frozenset(found)


def digest_of(place: Path) -> str | None:
    """Digest of a file, or of a folder as ``format: tree``; None for a folder that holds links or special files."""
    if not place.is_dir():
        return digest.of_file(place)[0]
    rows = []
    for folder, names, files in os.walk(place):
        for name in (*names, *files):
            child = Path(folder, name)
            mode = child.lstat().st_mode
            if stat.S_ISREG(mode):
                value, size = digest.of_file(child)
                rows.append((child.relative_to(place).as_posix(), size, value))
            elif not stat.S_ISDIR(mode):
                return None
    return digest.of_tree(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all reproductions of one request share; ``deadline`` is a time of the monotonic clock, None for no limit."""

    request: Request
    sandbox: Sandbox
    deadline: float | None


class Bench:
    """Where one reproduction's attempts are prepared and run, two at a time; closing it removes every workspace."""

    def __init__(self, ground: Ground, reproduction: Reproduction, interpreter: Interpreter, stack: ExitStack) -> None:
        self.request = ground.request
        self.reproduction = reproduction
        self.interpreter = interpreter
        self._sandbox = ground.sandbox
        self._deadline = ground.deadline
        self._stack = stack
        self._cancel = threading.Event()
        # Where nothing isolates the command, nothing can be mounted for it either.
        isolated = ground.sandbox.isolation is not Isolation.NONE
        self._inputs = Inputs(lambda: self.request.repository.common_dir / "auditor" / "inputs") if isolated else None

    @property
    def run_record(self) -> Run:
        """The recorded run."""
        return self.request.run

    def prepare(
        self, changes: Changes | None = None, *, kept: float | None = None, shifted: frozenset[str] = frozenset()
    ) -> Attempt:
        """An attempt that is ready to run.

        Args:
            changes: beside the reproduction's scale.
            kept: the share of training rows to keep, all when None.
            shifted: keys of explicit seeds to hand on plus one.

        Raises:
            UndecidableError, GitError: it cannot be prepared; the reason is in the message.
        """
        request, run = self.request, self.request.run
        workspace = self._stack.enter_context(
            Workspace(
                request.repository,
                request.commit,
                outputs=outputs_of(run, self.reproduction),
                data=run.data,
                hidden=request.manifest_patterns,
                fetch=request.fetch,
                cache=self._inputs,
                patched_by=self._patch(),
                reads={read.path: read.digest for read in run.observed.reads if read.digest} if run.observed else {},
            )
        )
        if workspace.missing:
            raise UndecidableError(f"declared inputs were found nowhere: {', '.join(workspace.missing)}")
        if kept is not None:
            thin.thin(run, workspace, kept=kept)
        wanted = Changes(values=self.reproduction.scale) | (changes or Changes())
        command = self.reproduction.command or (run.code.entrypoint if run.code else ())
        argv, config = configure.apply(run, wanted, command, work=workspace.root, folder=workspace.shown)
        if argv and is_python(argv[0]):
            argv = (str(self.interpreter.path), *argv[1:])
        probe = workspace.shown / "probe"
        probe.mkdir()
        shutil.copyfile(_PROBE, probe / "sitecustomize.py")
        extra = {"AUDITOR_CONFIG": str(config), "AUDITOR_SEEDS_SHIFTED": json.dumps(sorted(shifted)), **wanted.variables}
        job = Job(
            argv=argv,
            interpreter=self.interpreter,
            base=workspace.base,
            work=workspace.root,
            home=workspace.home,
            scratch=workspace.scratch,
            folders=self.interpreter.folders(request.repository.root),
            shown=(workspace.shown,),
            sealed=tuple(workspace.sealed),
            mounts=tuple(workspace.mounts),
            variables=self._variables(workspace, probe, extra),
            timeout=self._timeout(),
            cancel=self._cancel,
        )
        return Attempt(workspace, job, run.data)

    def run(self, *attempts: Attempt) -> None:
        """Run ``attempts``, two at a time where there are two processors.

        Raises:
            UndecidableError: the sandbox cannot be built.
        """
        at_once = min(_AT_ONCE, os.cpu_count() or 1)
        try:
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                try:
                    for done in [pool.submit(attempt.run, self._sandbox) for attempt in attempts]:
                        done.result()
                except BaseException:
                    self._cancel.set()
                    raise
        finally:
            self._cancel.clear()

    def _variables(self, workspace: Workspace, probe: Path, extra: Mapping[str, str]) -> dict[str, str]:
        environment = self.run_record.environment
        recorded = allowed(environment.variables) if environment else {}
        own = self.interpreter.editable(self.request.repository.root)
        search = [str(probe), *(str(workspace.root / entry) for entry in own)]
        return {
            **house.variables(self.interpreter, home=workspace.home, scratch=workspace.scratch),
            **recorded,
            "PYTHONPATH": os.pathsep.join(search),
            "AUDITOR_SEED_LEDGER": str(workspace.scratch / "seeds"),
            **extra,
        }

    def _patch(self) -> Path | None:
        """The recorded difference to the commit, None where the run was executed as committed."""
        code = self.run_record.code
        if code is None or code.patch is None:
            return None
        found = self.request.fetch(code.patch)
        if found is None:
            raise UndecidableError(f"the recorded patch {code.patch.path} is not here", hint="commit it beside the manifest")
        return found

    def _timeout(self) -> float:
        limit = self.reproduction.timeout or _PATIENCE
        if self._deadline is None:
            return limit
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise UndecidableError("the time budget is used up")
        return min(limit, left)
