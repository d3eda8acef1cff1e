"""One step of GitHub Actions, from its inputs to its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

import msgspec

from auditor.errors import AuditorError, UndecidableError
from auditor.gate.event import payload
from auditor.gate.merge import Merge, gate_merge
from auditor.gate.unjudged import unjudged
from auditor.guard import clone, decide, files, runner
from auditor.guard.inputs import ABOUT_A_CHANGE, Inputs, read
from auditor.guard.outcome import Place, blocking, weight
from auditor.guard.runner import Runner
from auditor.model.report import Report
from auditor.model.words import Exit, Verdict
from auditor.render import RENDERERS, markdown
from auditor.render.text import visible_lines

if TYPE_CHECKING:
    from auditor.guard import plan
    from auditor.integrations.github.hub import Hub

REPORTS = "auditor-report"
EVIDENCE = "auditor-evidence"


def step(environment: Mapping[str, str], workspace: Path) -> int:
    """Do what the action's inputs in ``environment`` ask for; the exit code.

    Raises:
        UsageError: an input is not allowed, or this is no step of GitHub Actions.
    """
    inputs = read(environment)
    here = Runner.here(environment, inputs.token)
    runner.hide(inputs.token)
    runner.forget()
    match inputs.part:
        case "gate":
            return _gate(here, inputs, workspace)
        case "plan":
            return _plan(here, inputs)
        case "execute":
            return _execute(here, inputs)
        case "judge":
            return _judge(here, inputs)
        case "keep":
            return _keep(here, inputs)
        case _:
            assert_never(inputs.part)


def _gate(here: Runner, inputs: Inputs, workspace: Path) -> int:
    """Everything in one job: for people who trust each other. It stops mistakes."""
    more: list[Callable[[Hub], None]] = []

    def decided() -> Report:
        match inputs.gate:
            case "merge":
                return decide.merge(inputs, workspace, _say)
            case "deploy":
                return decide.deploy(inputs, workspace, _say)
            case "history":
                report, keep = decide.history(here, inputs, workspace, _say)
                more.append(keep)
                return report
            case _:
                assert_never(inputs.gate)

    report = _reported(decided, inputs.gate)
    places = _pulled(here) if inputs.gate == "merge" and inputs.post else ()
    code = _finish(here, inputs, [(place, report) for place in places] or [(None, report)])
    if not inputs.post:
        return code
    from auditor.guard.publish import attempted, post_deployment  # noqa: PLC0415  (only what posts loads github3)

    if "deployment" in inputs.post:
        _tell(post_deployment(here, inputs, report))
    for keep in more if "issues" in inputs.post else ():
        _tell(attempted("issue", lambda keep=keep: keep(here.hub())))  # type: ignore[misc]
    return code


def _plan(here: Runner, inputs: Inputs) -> int:
    """Find out what is to be judged, and let the check be pending from now on."""
    from auditor.guard import plan  # noqa: PLC0415  (only what speaks to GitHub loads github3)
    from auditor.guard.publish import announce  # noqa: PLC0415

    try:
        drawn = plan.draw(here)
    except UndecidableError as error:
        # There is nobody to tell but this log: which pull request it was about is what is not known.
        _complain(error)
        here.give(plan="", verdict=Verdict.UNDECIDED)
        return Exit.UNDECIDED
    here.give(plan=msgspec.json.encode(drawn).decode())
    for asked in drawn.asked if "check" in inputs.post else ():
        _tell(announce(here, Place(head=drawn.head, branch=asked.branch, numbers=asked.numbers)))
    return Exit.OPEN


def _execute(here: Runner, inputs: Inputs) -> int:
    """Run the change's code in the sandbox and leave what came out; decide nothing."""
    from auditor.gate.carried import Carried  # noqa: PLC0415  (only this job executes)
    from auditor.gate.executed import execute  # noqa: PLC0415
    from auditor.guard import plan  # noqa: PLC0415

    drawn = plan.read(inputs.plan, here)
    room = here.temp / EVIDENCE
    room.mkdir(exist_ok=True)
    for index, asked in enumerate(drawn.asked):
        folder = clone.fetched(here, drawn.head, asked.base)
        request = Merge(
            root=folder,
            head=drawn.head,
            base=asked.base,
            carried=Carried(out=room / str(index), challenge=drawn.challenge),
            progress=_say,
            warn=_say,
        )
        report = _reported(lambda request=request: execute(request))  # type: ignore[misc]
        with runner.fenced():
            _print(RENDERERS["console"](report))
    here.give(evidence=str(room))
    return Exit.OPEN


def _judge(here: Runner, inputs: Inputs) -> int:
    """Decide by the evidence, without ever checking the change out, and post what came of it."""
    from auditor.gate.carried import Carried  # noqa: PLC0415  (only this job judges by evidence)
    from auditor.guard import plan  # noqa: PLC0415

    drawn = plan.read(inputs.plan, here)
    judged: list[tuple[Place | None, Report]] = []
    for index, asked in enumerate(drawn.asked):
        evidence = Path(inputs.evidence or here.temp / EVIDENCE) / str(index)

        def decide(asked: plan.Asked = asked, evidence: Path = evidence) -> Report:
            if inputs.executed != "success":
                raise UndecidableError(f"the job that executes ended as {inputs.executed or 'nothing'!r}, not as a success")
            folder = clone.fetched(here, drawn.head, asked.base)
            carried = Carried(into=evidence, challenge=drawn.challenge)
            return gate_merge(
                Merge(root=folder, head=drawn.head, base=asked.base, carried=carried, progress=_say, warn=_say)
            )

        place = Place(head=drawn.head, branch=asked.branch, numbers=asked.numbers)
        judged.append((place, _reported(decide)))
    return _finish(here, inputs, judged)


def _keep(here: Runner, inputs: Inputs) -> int:
    """Keep what was judged from being lost in a squash merge. It reads the plan alone, and so may have the right to."""
    from auditor.guard import plan  # noqa: PLC0415  (only what speaks to GitHub loads github3)
    from auditor.guard.publish import attempted  # noqa: PLC0415
    from auditor.integrations.github.keep import keep  # noqa: PLC0415

    drawn = plan.read(inputs.plan, here)
    unposted = attempted("keep reference", lambda: keep(here.hub(), drawn.head))
    _tell(unposted)
    here.summarise("\n\n".join(f"`{_code(line)}`" for line in unposted) or f"`{drawn.head}` is kept.")
    return Exit.OPEN


def _reported(judge: Callable[[], Report], gate: str = "merge") -> Report:
    """The report of ``judge``, or of why there is none: nothing that goes wrong here is a pass."""
    try:
        return judge()
    except AuditorError as error:
        _complain(error)
        return unjudged(error, gate)


def _finish(here: Runner, inputs: Inputs, judged: Sequence[tuple[Place | None, Report]]) -> int:
    """Leave every report where it can be found; the exit code of the worst."""
    for index, (place, report) in enumerate(judged):
        folder = here.temp / REPORTS if index == 0 else here.temp / REPORTS / str(index)
        path = files.write(report, folder)
        with runner.fenced():
            _print(RENDERERS["console"](report))
        unposted = _posted(here, inputs, place, report) if place is not None and inputs.post else []
        if place is None and (pull := [what for what in inputs.post if what in ABOUT_A_CHANGE]):
            unposted = [f"not posted: {', '.join(pull)}: this event is about no pull request"]
        _tell(unposted)
        here.summarise("\n\n".join([markdown.render(report), *(f"`{_code(line)}`" for line in unposted)]))
        if index == 0:
            here.give(report=str(path))
    worst = max(judged, key=lambda one: weight(one[1]))[1]
    blocked = sorted({name for _, report in judged for name in blocking(report)})
    brought = worst.exit is Exit.OPEN and any(report.verdict is Verdict.OPEN and report.runs for _, report in judged)
    here.give(verdict=str(worst.verdict or ""), blocked_by=",".join(blocked), runs="yes" if brought else "")
    return worst.exit


def _posted(here: Runner, inputs: Inputs, place: Place, report: Report) -> list[str]:
    from auditor.guard.publish import publish  # noqa: PLC0415  (only what posts loads github3)

    return publish(here, inputs.post, place, report)


def _pulled(here: Runner) -> tuple[Place, ...]:
    """The pull request that this very event is about; none for other events."""
    pull = payload(here.event).get("pull_request")
    if not isinstance(pull, dict):
        return ()
    match pull:
        case {"number": int(number), "head": {"sha": str(sha)}, "base": {"ref": str(ref)}}:
            return (Place(head=sha, branch=ref, numbers=(number,)),)
        case _:
            return ()


def _tell(lines: Sequence[str]) -> None:
    for line in lines:
        with runner.fenced():
            _print(visible_lines(line))


def _complain(error: AuditorError) -> None:
    with runner.fenced():
        _print(visible_lines(f"auditor: {error}" + (f"\n  {error.hint}" if error.hint else "")))


def _say(words: str) -> None:
    with runner.fenced():
        _print(visible_lines(f"auditor: {words}"))


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _code(text: str) -> str:
    return visible_lines(text).replace("`", "'")
