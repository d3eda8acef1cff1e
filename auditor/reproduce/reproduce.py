"""Executes the recorded reproductions of a run in a closed world and says what came of it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec

from auditor.compare import summary
from auditor.compare.banded import decided
from auditor.environment import allowed, capture
from auditor.errors import AuditorError
from auditor.model.comparison import ReproductionResult
from auditor.model.run import Executor, Needs, Reproduction, Run
from auditor.model.words import Agreement, Isolation, Tier
from auditor.reproduce import configure, sandbox, staged
from auditor.reproduce.attempt import Attempt, Bench, Ground
from auditor.reproduce.between import rules
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.exercise import Exercise
from auditor.reproduce.expected import Expected, expected_of
from auditor.reproduce.judge import Judge
from auditor.reproduce.liveness import Liveness, worse
from auditor.reproduce.request import Reproduced, Request

__all__ = ["Liveness", "Reproduced", "Request", "reproduce"]


def reproduce(request: Request) -> Reproduced:
    """What re-executing the recorded reproductions of ``request.tiers`` shows; nothing of it is left on this machine.

    Anything that keeps a reproduction from being executed is a result of its own, with the reason: nothing is raised for it.
    """
    wanted = _wanted(request)
    if not wanted:
        tiers = ", ".join(tier for tier in request.tiers if tier > Tier.RECOMPUTE)
        return Reproduced(notes=(f"the run records no reproduction of tier {tiers or 'smoke'}",))
    picked = sandbox.pick(request.isolation, allow_none=request.allow_none)
    if picked.sandbox is None:
        why = f"there is no sandbox to execute it in: {picked.reason}"
        return Reproduced(results=tuple(_unanswered(each, Agreement.INCONCLUSIVE, why) for each in wanted), notes=(why,))
    deadline = None if request.budget is None else time.monotonic() + request.budget
    ground = Ground(request=request, sandbox=picked.sandbox, deadline=deadline)
    notes = [] if picked.reason is None else [f"not isolated: {picked.reason}"]
    results: list[ReproductionResult] = []
    liveness: Liveness | None = None
    computed: set[str] = set()
    for reproduction in wanted:
        request.progress(f"{reproduction.name}: executing {' '.join(_command(request.run, reproduction))}")
        # Of a run in stages each is a run of its own, and each has its seeds; otherwise the first one speaks for all.
        alone = replace(ground, request=staged.narrowed(request, reproduction))
        one = _One(alone, reproduction, exercised=request.liveness and (liveness is None or bool(request.run.stages)))
        results.append(one.result())
        liveness = worse(liveness, one.liveness)
        computed |= one.computed
        notes += one.notes
    return Reproduced(
        results=tuple(results),
        liveness=liveness,
        isolation=picked.sandbox.isolation,
        computed=frozenset(computed),
        notes=tuple(dict.fromkeys(notes)),
    )


def _wanted(request: Request) -> list[Reproduction]:
    """The recorded reproductions of the tiers asked for; ``full`` is the run itself where none is recorded."""
    run = request.run
    executing = [tier for tier in request.tiers if tier in {Tier.SMOKE, Tier.FULL}]
    found = [each for each in run.reproductions if each.tier in executing]
    if Tier.FULL in executing and not any(each.tier is Tier.FULL for each in found) and run.code and run.code.entrypoint:
        found.append(Reproduction(name="full", tier=Tier.FULL, command=run.code.entrypoint))
    return found


def _command(run: Run, reproduction: Reproduction) -> tuple[str, ...]:
    return reproduction.command or (run.code.entrypoint if run.code else ())


def _unanswered(
    reproduction: Reproduction, agreement: Agreement, note: str, *, isolation: str = "none", seconds: float = 0.0
) -> ReproductionResult:
    return ReproductionResult(
        name=reproduction.name,
        tier=reproduction.tier,
        agreement=agreement,
        isolation=isolation,
        seconds=seconds,
        note=note,
    )


class _One:
    """One reproduction, from its plan to its result. ``liveness``, ``computed`` and ``notes`` are filled in on the way."""

    def __init__(self, ground: Ground, reproduction: Reproduction, *, exercised: bool) -> None:
        self.ground = ground
        self.request = ground.request
        self.reproduction = reproduction
        self.exercised = exercised
        self.liveness: Liveness | None = None
        self.computed: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self.started = time.monotonic()

    def result(self) -> ReproductionResult:
        """Plan, execute, compare; a step that cannot be taken is a result with its reason."""
        refusal = self._refusal()
        if refusal is not None:
            return _unanswered(self.reproduction, *refusal)
        with ExitStack() as stack:
            try:
                return self._execute(stack)
            except AuditorError as error:
                note = error.message if error.hint is None else f"{error.message} ({error.hint})"
                return self._answer(Agreement.INCONCLUSIVE, note)

    def _refusal(self) -> tuple[Agreement, str] | None:
        """Why this reproduction is not executed at all."""
        run, each = self.request.run, self.reproduction
        if run.run.status != "succeeded":
            return Agreement.NOT_EXERCISED, f"the run {run.run.status}: there is nothing to come out as"
        entrypoint = run.code.entrypoint if run.code else ()
        if not entrypoint:
            return Agreement.INCONCLUSIVE, "the run records no entry point"
        if each.command and each.command not in {entrypoint, *(stage.command for stage in run.stages)}:
            return Agreement.REFUSED, f"foreign-command: it starts {list(each.command)}, the run {list(entrypoint)}"
        lack = _lack(each.needs, self.ground.sandbox.isolation) if each.needs is not None else None
        return (Agreement.NOT_EXERCISED, lack) if lack else None

    def _execute(self, stack: ExitStack) -> ReproductionResult:
        request, run = self.request, self.request.run
        interpreter = sandbox.find(_command(run, self.reproduction), request.repository.root)
        bench = Bench(self.ground, self.reproduction, interpreter, stack)
        # 1. The run as recorded and, beside it, with other seeds.
        first = bench.prepare()
        self.notes += first.workspace.notes
        seeds = configure.other_seeds(run)
        other = bench.prepare(seeds) if self.exercised and seeds else None
        bench.run(*(attempt for attempt in (first, other) if attempt is not None))
        if not first.execution.succeeded:
            why = diagnose(first.execution, run, work=first.workspace.root, repository=request.repository.root)
            self.notes = []
            return self._answer(why.agreement, "; ".join([why.note, *first.workspace.notes]))
        # 2. Compared with the record.
        again = _Again(bench)
        executor = self._executor(interpreter)
        expected = expected_of(run, self.reproduction)
        between = rules(request, executor)
        judge = Judge(
            expected=expected,
            tolerances=between.tolerances,
            fetch=request.fetch,
            same_executor=between.same,
            repeat=again,
        )
        judgement = judge.judge(first)
        comparisons = between.conclude(judgement.comparisons)
        self.computed = judgement.computed
        # 3. The seeds.
        if self.exercised:
            exercise = Exercise(
                bench=bench,
                expected=expected,
                tolerances=request.tolerances,
                first=first,
                again=again,
                exact=judgement.exact,
            )
            self.liveness = self._exercise(exercise, other)
        note = self._note(first, expected, judgement.repeatable)
        agreement = summary.agreement(comparisons)
        if self._wrote_nothing(first, expected):
            agreement = Agreement.DIVERGED
        return msgspec.structs.replace(
            self._answer(agreement, note),
            comparisons=comparisons,
            executor="" if executor is None else executor.class_,
            calibrated=decided(comparisons),
        )

    def _exercise(self, exercise: Exercise, other: Attempt | None) -> Liveness:
        if other is None:
            return Liveness(status="not-exercised", note="the run records no seed that could be changed")
        self.request.progress(f"{self.reproduction.name}: exercising the seeds")
        try:
            return exercise.conclude(other)
        except AuditorError as error:
            return Liveness(status="not-exercised", note=error.message)

    def _executor(self, interpreter: sandbox.Interpreter) -> Executor | None:
        """What this machine is under the recorded numeric variables; None where it cannot be told."""
        run = self.request.run
        recorded = allowed(run.environment.variables) if run.environment else {}
        own = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        try:
            return capture(str(interpreter.path), own | recorded).executor
        except AuditorError:
            return None

    def _wrote_nothing(self, first: Attempt, expected: Expected) -> bool:
        return bool(expected.known) and all(first.made(path).path is None for path in expected.known)

    def _note(self, first: Attempt, expected: Expected, repeatable: bool) -> str | None:  # noqa: FBT001
        words = list(first.workspace.notes)
        if self._wrote_nothing(first, expected):
            words.append("the command ended well but wrote none of its declared outputs")
        if not expected.known and not expected.metrics:
            words.append("the record names no output to compare; record with --out FILE and --metrics FILE")
        if not repeatable:
            words.append("not bitwise repeatable: two executions here differ from each other")
        return "; ".join(words) or None

    def _answer(self, agreement: Agreement, note: str | None) -> ReproductionResult:
        return ReproductionResult(
            name=self.reproduction.name,
            tier=self.reproduction.tier,
            agreement=agreement,
            isolation=self.ground.sandbox.isolation,
            seconds=time.monotonic() - self.started,
            note=note,
        )


class _Again:
    """A second execution of the same, made when first asked for."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._made: Attempt | None = None

    def __call__(self) -> Attempt:
        if self._made is None:
            attempt = self._bench.prepare()
            self._bench.run(attempt)
            self._made = attempt
        return self._made


def _lack(needs: Needs, isolation: Isolation) -> str | None:
    """What this machine has not of what a reproduction needs."""
    if needs.accelerator and not _has_accelerator():
        return "it needs an accelerator, which this machine lacks"
    if needs.accelerator and isolation is not Isolation.NONE:
        return "it needs an accelerator, which the sandbox does not pass on yet"
    if (needs.memory or 0) > _memory():
        return f"it needs {needs.memory} bytes of memory, this machine has {_memory()}"
    return None


def _has_accelerator() -> bool:
    return any(Path(device).exists() for device in ("/dev/nvidia0", "/dev/kfd", "/dev/accel0"))


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
