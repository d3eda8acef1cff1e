"""A check run: verdict, summary, and annotations on the very lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from auditor.integrations.github.hub import Hub
from auditor.model.annotation import Annotation

Conclusion = Literal["success", "failure", "action_required"]

CHUNK = 50
"""Annotations that one call may carry."""
MOST = 500
"""Annotations in all: nobody reads more beside a change, and the report has them all."""
LONGEST = 65_535
"""Characters that a summary may have."""

_NEEDS = "checks: write"
_LONGEST_TITLE = 255
_LONGEST_MESSAGE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """What is said about the commit ``head``. ``conclusion`` is None while it is not known.

    ``external`` identifies the attempt: what an earlier call of the same attempt began is continued, never doubled.
    """

    name: str
    head: str
    external: str
    title: str
    summary: str
    annotations: Sequence[Annotation] = ()
    conclusion: Conclusion | None = None
    details: str | None = None


def post(hub: Hub, wanted: CheckRun) -> None:
    """Show ``wanted`` on its commit.

    1. Find what this attempt began; begin it otherwise, without a conclusion.
    2. Add the annotations, 50 at a time.
    3. Conclude last: a run that was interrupted half-way is never a success.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    found = hub.ask("check run", lambda: _found(hub, wanted) or _begun(hub, wanted), needs=_NEEDS)
    done = found.output.annotations_count or 0
    for chunk in _chunks(wanted.annotations[:MOST][done:]):
        _append(hub, found, wanted, chunk)
    if wanted.conclusion is not None:
        end = {"conclusion": wanted.conclusion, "status": "completed", "output": _output(wanted)}
        hub.ask("check run", lambda: found.update(details_url=wanted.details, **end), needs=_NEEDS)


def _found(hub: Hub, wanted: CheckRun) -> Any:
    """The run that this attempt began and did not end."""
    for run in hub.repository.commit(wanted.head).check_runs():
        if (run.name, run.external_id, run.status) == (wanted.name, wanted.external, "in_progress"):
            return run
    return None


def _begun(hub: Hub, wanted: CheckRun) -> Any:
    return hub.repository.create_check_run(
        wanted.name,
        wanted.head,
        details_url=wanted.details,
        external_id=wanted.external,
        status="in_progress",
        output=_output(wanted),
    )


def _append(hub: Hub, run: Any, wanted: CheckRun, chunk: Sequence[Annotation]) -> None:
    """Add one chunk exactly once: after an outage GitHub is asked whether it arrived, since repeating it would double it."""
    goal = (run.output.annotations_count or 0) + len(chunk)
    repeated = False

    def once() -> None:
        nonlocal repeated
        if repeated and (run.refresh().output.annotations_count or 0) >= goal:
            return
        repeated = True
        run.update(output=_output(wanted, chunk))

    hub.ask("check run", once, needs=_NEEDS)


def _chunks(annotations: Sequence[Annotation]) -> Iterator[Sequence[Annotation]]:
    for start in range(0, len(annotations), CHUNK):
        yield annotations[start : start + CHUNK]


def _output(wanted: CheckRun, chunk: Sequence[Annotation] = ()) -> dict[str, Any]:
    output: dict[str, Any] = {"title": wanted.title[:_LONGEST_TITLE], "summary": wanted.summary[:LONGEST]}
    if chunk:
        output["annotations"] = [
            {
                "path": each.path,
                "start_line": each.line,
                "end_line": each.line,
                "annotation_level": each.level,
                "title": each.title[:_LONGEST_TITLE],
                "message": each.message[:_LONGEST_MESSAGE] or each.title,
            }
            for each in chunk
        ]
    return output
