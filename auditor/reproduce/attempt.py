"""Executes the recorded command once, with or without a change, and keeps its workspace for looking at."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from auditor.environment import allowed
from auditor.errors import UndecidableError
from auditor.model.run import DataSource, Executor, Reproduction, Run
from auditor.model.words import Isolation
from auditor.reproduce import configure, nudge, other_weights, thin
from auditor.reproduce.bundle.nouns import Variation
from auditor.reproduce.configure import Changes
from auditor.reproduce.environment import Provided
from auditor.reproduce.expected import outputs_of
from auditor.reproduce.inputs import Inputs
from auditor.reproduce.request import Request
from auditor.reproduce.sandbox import Execution, Job, Sandbox, house, is_python
from auditor.reproduce.trial import Seeding, Trial, seedings_in
from auditor.reproduce.workspace import Made, Spot, Workspace
from auditor.store.trees import digest_of

_PROBE = Path(__file__).with_name("probe.py")
_PATIENCE = 600.0
_AT_ONCE = 2
_TIME_ZONE = "Asia/Kathmandu"  # a quarter of an hour beside all whole hours
_HASH_SEED = "1013"


class Attempt:
    """One execution. Its workspace lives until the bench is closed.

    ``argv`` is its command in the words of the record, before interpreter and paths of this machine are put in;
    ``variation`` is what was changed beside the reproduction's scale.
    """

    def __init__(
        self, workspace: Workspace, job: Job, *, argv: tuple[str, ...], variation: Variation, inputs: Sequence[DataSource]
    ) -> None:
        self.workspace = workspace
        self.job = job
        self.argv = argv
        self.variation = variation
        self.inputs = inputs
        self.started: dt.datetime | None = None
        self._execution: Execution | None = None

    @property
    def execution(self) -> Execution:
        """How the command ended."""
        if self._execution is None:
            raise RuntimeError("the attempt was not run")
        return self._execution

    @property
    def was_run(self) -> bool:
        """Whether it came to its end already."""
        return self._execution is not None

    @property
    def notes(self) -> list[str]:
        """What of its world differed from the record, in words."""
        return self.workspace.notes

    @property
    def work(self) -> Path:
        """The command's folder."""
        return self.workspace.root

    @property
    def room(self) -> Path:
        """A folder that the command never saw."""
        return self.workspace.base / "judged"

    @property
    def ledger(self) -> Path:
        """Where the probe writes down the seeds that it saw."""
        return self.workspace.scratch / "seeds"

    def run(self, sandbox: Sandbox) -> None:
        """Execute the command. Raises UndecidableError when the sandbox cannot be built."""
        self.started = dt.datetime.now(tz=dt.UTC)
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

    def input(self, source: DataSource) -> Path | None:
        """The input where the command saw it."""
        return self.workspace.input(source.mount or source.path or "")

    def seedings(self) -> frozenset[Seeding]:
        """The explicit seeds that the probe wrote down."""
        return seedings_in(self.ledger)


class Bench:
    """Where one reproduction's attempts are prepared and run, two at a time; closing it removes every workspace.

    ``deadline`` is a time of the monotonic clock, None for no limit.
    """

    def __init__(
        self,
        request: Request,
        reproduction: Reproduction,
        *,
        sandbox: Sandbox,
        provided: Provided,
        deadline: float | None,
    ) -> None:
        self.request = request
        self.reproduction = reproduction
        self.provided = provided
        self.interpreter = provided.interpreter
        self._sandbox = sandbox
        self._deadline = deadline
        self._stack = ExitStack()
        self._cancel = threading.Event()
        # Where nothing isolates the command, nothing can be mounted for it either.
        isolated = sandbox.isolation is not Isolation.NONE
        self._inputs = Inputs(lambda: self.request.repository.common_dir / "auditor" / "inputs") if isolated else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    @property
    def isolation(self) -> Isolation:
        """What stands between the command and this machine."""
        return self._sandbox.isolation

    @property
    def environment(self) -> str:
        """Where interpreter and libraries come from."""
        return self.provided.source

    @property
    def run_record(self) -> Run:
        """The recorded run."""
        return self.request.run

    def prepare(  # noqa: PLR0913  (each is a variation of its own)
        self,
        changes: Changes | None = None,
        *,
        kept: float | None = None,
        shifted: frozenset[str] = frozenset(),
        repeat: int = 0,
        altered: bool = False,
        nudged: str = "",
        spot: Spot | None = None,
    ) -> Attempt:
        """An attempt that is ready to run; see :class:`~auditor.reproduce.trial.Lab`.

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
                spot=spot,
            )
        )
        if workspace.missing:
            raise UndecidableError(f"declared inputs were found nowhere: {', '.join(workspace.missing)}")
        if kept is not None:
            thin.thin(run, workspace, kept=kept)
        if nudged:
            precision, _, number = nudged.partition("/")
            nudge.nudge(run, workspace, precision=precision, number=int(number))
        if altered:
            other_weights.put(run, workspace)
        wanted = Changes(values=self.reproduction.scale) | (changes or Changes())
        command = self.reproduction.command or (run.code.entrypoint if run.code else ())
        recorded = configure.words(wanted, command)
        argv, config = configure.apply(run, wanted, command, work=workspace.root, folder=workspace.shown)
        if argv and is_python(argv[0]) and self.provided.image is None:
            argv = (str(self.interpreter.path), *argv[1:])
        probe = workspace.shown / "probe"
        probe.mkdir()
        shutil.copyfile(_PROBE, probe / "sitecustomize.py")
        surroundings = self._surroundings(repeat)
        extra = {"AUDITOR_CONFIG": str(config), "AUDITOR_SEEDS_SHIFTED": json.dumps(sorted(shifted)), **wanted.variables}
        extra = surroundings | extra
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
            image=self.provided.image,
        )
        variation = Variation.of(changes, kept=kept, shifted=shifted, repeat=repeat, altered=altered, nudged=nudged)
        workspace.notes += self.provided.notes
        return Attempt(workspace, job, argv=recorded, variation=variation, inputs=run.data)

    def run(self, *trials: Trial) -> None:
        """Run ``trials``, which are attempts of this bench, two at a time where there are two processors.

        Raises:
            UndecidableError: the sandbox cannot be built, or what they wrote cannot be kept as evidence.
        """
        attempts = [trial for trial in trials if isinstance(trial, Attempt)]
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
        if self.request.recording is not None:
            for attempt in attempts:
                self.request.recording.keep(self, attempt)

    def executor(self) -> Executor | None:
        """What this machine is under the recorded numeric variables; None where it cannot be told."""
        return self.provided.executor

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

    def _surroundings(self, repeat: int) -> dict[str, str]:
        """Another time zone than that of the machine, and in a repetition another hash seed, unless they are recorded.

        The folder is another one each time. What follows any of them is no function of the recorded inputs.
        """
        environment = self.run_record.environment
        recorded = environment.variables if environment else {}
        other = {"PYTHONHASHSEED": _HASH_SEED} if repeat else {"TZ": _TIME_ZONE}
        return {name: value for name, value in other.items() if name not in recorded}

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
