"""Executes the recorded reproductions of a run in a closed world and says what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from auditor.compare import summary
from auditor.compare.banded import decided
from auditor.errors import AuditorError
from auditor.model.comparison import ReproductionResult
from auditor.model.run import Reproduction, Run
from auditor.model.words import Agreement, Outcome, Tier
from auditor.reproduce import beginning, configure, evaluated, prefix, staged
from auditor.reproduce.between import rules
from auditor.reproduce.diagnose import diagnose
from auditor.reproduce.exercise import Exercise
from auditor.reproduce.expected import Expected, expected_of
from auditor.reproduce.judge import Judge
from auditor.reproduce.liveness import Liveness, worse
from auditor.reproduce.plan import Step, plan
from auditor.reproduce.request import Reproduced, Request
from auditor.reproduce.rig import Live, Rig, live
from auditor.reproduce.trial import Lab, Trial

__all__ = ["Liveness", "Reproduced", "Request", "reproduce"]


def reproduce(request: Request) -> Reproduced:
    """What re-executing the recorded reproductions of ``request.tiers`` shows; nothing of it is left on this machine.

    Anything that keeps a reproduction from being executed is a result of its own, with the reason: nothing is raised for it.
    """
    steps = plan(request.run, request.tiers, stage=request.stage)
    wanted = [step.reproduction for step in steps]
    is_challenged = Tier.SEGMENT in request.tiers
    if not wanted and not is_challenged:
        tiers = ", ".join(tier for tier in request.tiers if tier > Tier.RECOMPUTE)
        return Reproduced(notes=(f"the run records no reproduction of tier {tiers or 'smoke'}",))
    rig = _rig(request)
    if isinstance(rig, str):
        wanted += [_SEGMENT] if is_challenged else []
        for each in wanted:
            _explain(request, each, rig)
        return Reproduced(results=tuple(_unanswered(each, Agreement.INCONCLUSIVE, rig) for each in wanted), notes=(rig,))
    notes = list(rig.notes)
    results: list[ReproductionResult] = []
    liveness: Liveness | None = None
    computed: set[str] = set()
    for step in steps:
        reproduction = step.reproduction
        if stopped := _stopped(step, results, rig):
            results.append(_unanswered(reproduction, Agreement.NOT_EXERCISED, stopped))
            _explain(request, reproduction, stopped)
            continue
        request.progress(f"{reproduction.name}: executing {' '.join(_command(request.run, reproduction))}")
        exercised = _is_exercised(request, reproduction, liveness)
        one = _One(rig, *_alone(request, reproduction), exercised=exercised)
        results.append(one.result())
        _explain(request, reproduction, results[-1].note or "")
        liveness = worse(liveness, one.liveness)
        computed |= one.computed
        notes += one.notes
    if is_challenged:
        stopped = _stopped(Step(reproduction=_SEGMENT, seconds=None), results, rig)
        results.append(_unanswered(_SEGMENT, Agreement.NOT_EXERCISED, stopped) if stopped else _challenged(rig, request))
    return Reproduced(
        results=tuple(results),
        liveness=liveness,
        isolation=rig.isolation,
        computed=frozenset(computed),
        answering={each.name: stage for each in wanted if (stage := staged.answered_by(request.run, each))},
        notes=tuple(dict.fromkeys(notes)),
    )


def _stopped(step: Step, results: Sequence[ReproductionResult], rig: Rig) -> str | None:
    """Why ``step`` is not taken any more: a cheaper one diverged, or the time that is left will not do."""
    broken = next((r for r in results if r.agreement.outcome is Outcome.FAILED and r.tier < step.tier), None)
    if broken is not None:
        return f"not executed: {broken.name} came to {broken.agreement} already, and it is cheaper"
    left = rig.left
    if step.seconds is not None and left is not None and step.seconds > left:
        took = f"it took {step.seconds:.0f} s when it was recorded"
        return f"not executed: {took}, and {max(left, 0.0):.0f} s of the budget are left"
    return None


def _alone(request: Request, reproduction: Reproduction) -> tuple[Request, Reproduction]:
    """Both as if the run were nothing but this."""
    match reproduction.tier:
        case Tier.EVALUATE:
            return evaluated.narrowed(request, reproduction), reproduction
        case Tier.PREFIX:
            return prefix.narrowed(staged.narrowed(request, reproduction), reproduction)
        case _:
            return staged.narrowed(request, reproduction), reproduction


def _is_exercised(request: Request, reproduction: Reproduction, liveness: Liveness | None) -> bool:
    """Whether its seeds are exercised: each of several stages has its own, otherwise the first one speaks for all."""
    trains = reproduction.tier in {Tier.SMOKE, Tier.FULL}
    return trains and request.liveness and (liveness is None or bool(request.run.stages))


_SEGMENT = Reproduction(name="segment", tier=Tier.SEGMENT)


def _challenged(rig: Rig, request: Request) -> ReproductionResult:
    from auditor.reproduce.segments.request import Challenge  # noqa: PLC0415  (only who asks for it pays for it)
    from auditor.reproduce.segments.tier import segments  # noqa: PLC0415

    if not isinstance(rig, Live):
        note = "evidence from elsewhere holds no replayed segments: a verifier with the key replays them itself"
        return _unanswered(_SEGMENT, Agreement.INCONCLUSIVE, note)
    return segments(rig, request, request.challenge or Challenge())


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

    def __init__(self, rig: Rig, request: Request, reproduction: Reproduction, *, exercised: bool) -> None:
        self.rig = rig
        self.request = request
        self.reproduction = reproduction
        self.exercised = exercised
        self.isolation = rig.isolation
        self.liveness: Liveness | None = None
        self.computed: frozenset[str] = frozenset()
        self.notes: list[str] = []
        self.environment = ""
        self.started = time.monotonic()

    def result(self) -> ReproductionResult:
        """Plan, execute, compare; a step that cannot be taken is a result with its reason."""
        refusal = self._refusal()
        if refusal is not None:
            return _unanswered(self.reproduction, *refusal)
        try:
            with self.rig.lab(self.request, self.reproduction) as lab:
                self.isolation, self.environment = lab.isolation, lab.environment
                return self._execute(lab)
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
        if each.tier is Tier.EVALUATE:
            return self._nothing_to_evaluate()
        if each.command and each.command not in {entrypoint, *(stage.command for stage in run.stages)}:
            return Agreement.REFUSED, f"foreign-command: it starts {list(each.command)}, the run {list(entrypoint)}"
        return self._lack()

    def _lack(self) -> tuple[Agreement, str] | None:
        lack = self.rig.lack(self.reproduction)
        return (Agreement.NOT_EXERCISED, lack) if lack else None

    def _nothing_to_evaluate(self) -> tuple[Agreement, str] | None:
        run = self.request.run
        if not self.reproduction.command:
            return Agreement.INCONCLUSIVE, "it names no command that evaluates"
        if not any(source.role == "parent-weights" for source in run.data):
            return Agreement.INCONCLUSIVE, "the run records no weights that could be evaluated"
        if not run.artifacts:
            return Agreement.INCONCLUSIVE, "the run records no predictions that an evaluation could be compared with"
        return self._lack()

    def _execute(self, lab: Lab) -> ReproductionResult:
        if self.reproduction.tier is Tier.PREFIX:
            return self._begin(lab)
        request, run = self.request, self.request.run
        # 1. The run as recorded and, beside it, with other seeds.
        first = lab.prepare()
        self.notes += first.notes
        seeds = configure.other_seeds(run)
        other = lab.prepare(seeds) if self.exercised and seeds else None
        blind = lab.prepare(altered=True) if self.reproduction.tier is Tier.EVALUATE else None
        lab.run(*(attempt for attempt in (first, other, blind) if attempt is not None))
        if not first.execution.succeeded:
            why = diagnose(first.execution, run, work=first.work, repository=request.repository.root)
            self.notes = []
            return self._answer(why.agreement, "; ".join([why.note, *first.notes]))
        # 2. Compared with the record.
        again = _Again(lab)
        executor = lab.executor()
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
        if blind is not None and (seen := evaluated.blindness(expected, first, blind, request.tolerances)):
            comparisons = (*comparisons, seen)
            self.computed = frozenset()
        # 3. The seeds.
        if self.exercised:
            exercise = Exercise(
                lab=lab,
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

    def _begin(self, lab: Lab) -> ReproductionResult:
        """Execute the first steps, and compare the curves."""
        request = self.request
        if prefix.trace_of(request) is None:
            return self._answer(Agreement.NOT_EXERCISED, "the run left no trace that its beginning could be compared with")
        steps = self.rig.steps(request, self.reproduction, request.steps or prefix.STEPS)
        first = lab.prepare(prefix.changes(steps))
        self.notes += first.notes
        lab.run(first)
        if not first.execution.succeeded:
            why = diagnose(first.execution, request.run, work=first.work, repository=request.repository.root)
            return self._answer(why.agreement, why.note)
        executor = lab.executor()
        between = rules(request, executor)
        begun = beginning.judge(lab, request, first, steps, between)
        comparisons = between.conclude(begun.comparisons)
        note = "; ".join([f"the first {steps} steps were executed; what came after them was not", *begun.notes])
        return msgspec.structs.replace(
            self._answer(summary.agreement(comparisons), note),
            comparisons=comparisons,
            executor="" if executor is None else executor.class_,
        )

    def _exercise(self, exercise: Exercise, other: Trial | None) -> Liveness:
        if other is None:
            return Liveness(status="not-exercised", note="the run records no seed that could be changed")
        self.request.progress(f"{self.reproduction.name}: exercising the seeds")
        try:
            return exercise.conclude(other)
        except AuditorError as error:
            return Liveness(status="not-exercised", note=error.message)

    def _wrote_nothing(self, first: Trial, expected: Expected) -> bool:
        return bool(expected.known) and all(first.made(path).path is None for path in expected.known)

    def _note(self, first: Trial, expected: Expected, repeatable: bool) -> str | None:  # noqa: FBT001
        words = list(first.notes)
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
            isolation=self.isolation,
            environment=self.environment,
            seconds=time.monotonic() - self.started,
            note=note,
        )


class _Again:
    """A second execution of the same, made when first asked for."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._made: Trial | None = None

    def __call__(self) -> Trial:
        if self._made is None:
            trial = self._lab.prepare(repeat=1)
            self._lab.run(trial)
            self._made = trial
        return self._made


def _rig(request: Request) -> Rig | str:
    """What brings executions about, or why nothing can."""
    if request.evidence is not None:
        from auditor.reproduce.bundle.rig import Told  # noqa: PLC0415  (only where a bundle is judged)

        return Told(request, request.evidence)
    return live(request)


def _explain(request: Request, reproduction: Reproduction, why: str) -> None:
    if request.recording is not None:
        request.recording.explain(request, reproduction, why or "it was not executed")
