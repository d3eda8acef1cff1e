"""What the guard is asked for by an event, which is believed in nothing that the interface can tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from auditor.errors import UndecidableError

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_FULL = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_REQUESTS = frozenset({"pull_request", "merge_group"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What the workflow before this one ran for: a head commit and the repository, perhaps a fork, that it lies in.

    ``group`` is the branch of a merge queue; such a branch is named after the one that it goes into.
    """

    event: str
    head: str
    head_repository: str
    group: str | None


def requested(value: dict[str, Any]) -> Requested:
    """What the ``workflow_run`` event in ``value`` follows.

    Raises:
        UndecidableError: it is another event, or follows one that asks for no verdict.
    """
    run = value.get("workflow_run")
    if not isinstance(run, dict):
        raise UndecidableError("this is no workflow_run event", hint="the guard runs after the workflow audit-request")
    event, head, home = run.get("event"), run.get("head_sha"), run.get("head_repository")
    full = home.get("full_name") if isinstance(home, dict) else None
    if event not in _REQUESTS:
        raise UndecidableError(f"the workflow before this one ran for {str(event)[:40]!r}, which asks for no verdict")
    if not isinstance(head, str) or not _SHA.fullmatch(head):
        raise UndecidableError("the event names no head commit")
    if not isinstance(full, str) or not _FULL.fullmatch(full):
        # A fork that was deleted leaves null.
        raise UndecidableError("the event names no head repository", hint="a fork that was deleted cannot be audited")
    branch = run.get("head_branch")
    group = branch if event == "merge_group" and isinstance(branch, str) else None
    return Requested(event=str(event), head=head, head_repository=full, group=group)
