"""The plan: which commits are judged against which branches, under which challenge. It goes from job to job as an output.

Outputs of a job are the runner's own: unlike an artifact, no code of the change can have touched them.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

import msgspec

from auditor.errors import UndecidableError
from auditor.gate.event import payload
from auditor.guard import clone
from auditor.guard.event import Requested, requested
from auditor.guard.runner import Runner
from auditor.integrations.github import pulls

SCHEMA: Final = "auditor/plan/v1"
MOST: Final = 5
"""Branches that one head may be asked to be merged into at a time."""

_LONGEST: Final = 1 << 16
_QUEUE = re.compile(r"gh-readonly-queue/(?P<branch>[^\s~^:?*\[\\]{1,200})/pr-(?P<number>[0-9]{1,9})-(?P<base>[0-9a-f]{40})")


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One branch that the head is to be merged into, at the commit ``base``; ``numbers`` are the pull requests."""

    branch: str
    base: str
    numbers: tuple[int, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What *execute* and *judge* are to do. ``run`` and ``attempt`` are those of the workflow that drew it."""

    schema: str
    repository: str
    head: str
    run: int
    attempt: int
    challenge: str
    asked: tuple[Asked, ...]


def draw(runner: Runner) -> Plan:
    """The plan for the event that this workflow runs for.

    1. The event names the head; it is believed in nothing else.
    2. The interface names the open pull requests with that head: a fork's event names none.
    3. Git names the commit that each base branch stands at now: its tip, where the policy is read.

    Raises:
        UndecidableError: there is nothing to judge any more, or it cannot be found out.
    """
    wanted = requested(payload(runner.event))
    asked = (_queued(wanted),) if wanted.event == "merge_group" else _pulled(runner, wanted)
    return Plan(
        schema=SCHEMA,
        repository=runner.repository,
        head=wanted.head,
        run=runner.attempt[0],
        attempt=runner.attempt[1],
        challenge=secrets.token_hex(16),
        asked=asked,
    )


def read(text: str, runner: Runner) -> Plan:
    """The plan in ``text``, which was drawn by this very attempt of this workflow run.

    Raises:
        UndecidableError: it is none, or was drawn for something else.
    """
    if not text or len(text) > _LONGEST:
        raise UndecidableError("there is no plan: the job before this one did not draw one")
    try:
        plan = msgspec.json.decode(text, type=Plan)
    except msgspec.DecodeError as error:
        raise UndecidableError(f"the plan cannot be read: {error}") from None
    if (plan.schema, plan.repository, plan.run, plan.attempt) != (SCHEMA, runner.repository, *runner.attempt):
        raise UndecidableError(
            "the plan was drawn by another attempt", hint="re-run all jobs: evidence counts for its own attempt alone"
        )
    return plan


def _pulled(runner: Runner, wanted: Requested) -> tuple[Asked, ...]:
    found = pulls.of(runner.hub(), repository=wanted.head_repository, sha=wanted.head)
    if not found:
        raise UndecidableError("no open pull request has this head any more: it was closed, or moved on")
    branches = sorted({pull.base_ref for pull in found})
    if len(branches) > MOST:
        raise UndecidableError(f"this head is asked to be merged into {len(branches)} branches; at most {MOST} are judged")
    return tuple(
        Asked(
            branch=branch,
            base=clone.tip(runner, branch),
            numbers=tuple(pull.number for pull in found if pull.base_ref == branch),
        )
        for branch in branches
    )


def _queued(wanted: Requested) -> Asked:
    """What a merge queue asks: its branch names the branch that it goes into and the commit that it stands on."""
    match = _QUEUE.fullmatch(wanted.group or "")
    if match is None:
        raise UndecidableError("the merge queue's branch has not the name that such branches have")
    return Asked(branch=match["branch"], base=match["base"], numbers=())
