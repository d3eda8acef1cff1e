"""Posts a report where people look: a check run, a status, one comment, code scanning. What could not be posted is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, assert_never

from auditor.gate.event import payload
from auditor.guard.inputs import Inputs, Post
from auditor.guard.outcome import Place
from auditor.guard.runner import Runner
from auditor.integrations.github import by_hand, checks, comment, statuses
from auditor.integrations.github.hub import Hub, NotPostedError
from auditor.model.report import Report
from auditor.model.words import Exit, Verdict
from auditor.render import markdown, reading, sarif
from auditor.render.annotations import annotated

_CONCLUSION: Final[dict[Verdict, checks.Conclusion]] = {
    Verdict.OPEN: "success",
    Verdict.BLOCKED: "failure",
    Verdict.UNDECIDED: "action_required",
}
_STATE: Final[dict[Verdict, statuses.State]] = {
    Verdict.OPEN: "success",
    Verdict.BLOCKED: "failure",
    Verdict.UNDECIDED: "error",
}


def announce(runner: Runner, place: Place) -> list[str]:
    """Say that a verdict is on its way, so that a required check is pending from now on; what was not posted."""
    wanted = checks.CheckRun(
        name=place.name, head=place.head, external=_external(runner), title="under way", summary="", details=runner.details
    )
    return attempted("check run", lambda: checks.post(runner.hub(), wanted))


def publish(runner: Runner, post: Sequence[Post], place: Place, report: Report) -> list[str]:
    """Post ``report``, and return one line for each thing that was not posted."""
    if not post:
        return []
    hub = runner.hub()
    text = markdown.render(report)
    calls = {
        "check": ("check run", partial(_check, hub, runner, place, report, text)),
        "status": ("commit status", partial(_status, hub, runner, place, report)),
        "comment": ("comment", partial(_comment, hub, runner, place, text)),
        "code-scanning": ("code scanning", partial(_scan, hub, place, report)),
    }
    return [line for name in post if name in calls for line in attempted(*calls[name])]


def post_deployment(runner: Runner, inputs: Inputs, report: Report) -> list[str]:
    """Set the status of the deployment that the event is about, or that the inputs name; what was not posted."""
    told = payload(runner.event).get("deployment")
    number = inputs.deployment or (told.get("id") if isinstance(told, dict) else None)
    if not isinstance(number, int):
        return ["not posted: deployment status: this event is about no deployment"]
    state: by_hand.DeploymentState = "success" if conclusion(report) is Verdict.OPEN else "failure"

    def call() -> None:
        by_hand.post_deployment(
            runner.hub(),
            number,
            state,
            _headline(report),
            environment_url=inputs.environment_url or None,
            log_url=runner.details,
        )

    return attempted("deployment status", call)


def conclusion(report: Report) -> Verdict:
    """What is to be shown: the verdict, or open where the policy only reports."""
    if report.exit is Exit.OPEN:
        return Verdict.OPEN
    match report.verdict:
        case Verdict.BLOCKED:
            return Verdict.BLOCKED
        case Verdict.OPEN | Verdict.UNDECIDED | None:
            return Verdict.UNDECIDED
        case _:
            assert_never(report.verdict)


def attempted(what: str, call: Callable[[], object]) -> list[str]:
    """Post something; what was not posted, and why, in a line."""
    try:
        call()
    except NotPostedError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return [f"not posted: {what}: {error.message.removeprefix(f'{what}: ')}{hint}"]
    return []


def _check(hub: Hub, runner: Runner, place: Place, report: Report, text: str) -> None:
    wanted = checks.CheckRun(
        name=place.name,
        head=place.head,
        external=_external(runner),
        title=_headline(report),
        summary=text,
        annotations=annotated(report),
        conclusion=_CONCLUSION[conclusion(report)],
        details=runner.details,
    )
    checks.post(hub, wanted)


def _status(hub: Hub, runner: Runner, place: Place, report: Report) -> None:
    state = _STATE[conclusion(report)]
    statuses.post(hub, place.head, state, _headline(report), context=place.name, target=runner.details)


def _comment(hub: Hub, runner: Runner, place: Place, text: str) -> None:
    for number in place.numbers:
        comment.keep(hub, number, text, key="merge", attempt=runner.attempt)


def _scan(hub: Hub, place: Place, report: Report) -> None:
    ref = f"refs/pull/{place.numbers[0]}/head" if place.numbers else f"refs/heads/{place.branch}"
    by_hand.upload_sarif(hub, sarif.render(report), commit=place.head, ref=ref)


def _external(runner: Runner) -> str:
    return f"{runner.attempt[0]}.{runner.attempt[1]}"


def _headline(report: Report) -> str:
    return f"{reading.headline(report)}: {reading.counted(reading.results_of(report))}"
