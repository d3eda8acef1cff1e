"""Which open pull requests a commit is the head of."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.integrations.github.hub import Hub

MOST = 1000
"""Open pull requests that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """An open pull request: its number, the branch it goes into, and that branch's commit."""

    number: int
    base_ref: str
    base: str


def of(hub: Hub, *, repository: str, sha: str) -> tuple[Pull, ...]:
    """The open pull requests whose head is the commit ``sha`` of ``repository``, by number.

    They are found by looking at all open ones: the event of a workflow that follows a fork's pull request names none.

    Raises:
        NotPostedError: GitHub could not be asked.
    """

    def once() -> tuple[Pull, ...]:
        found = []
        for pull in hub.repository.pull_requests(state="open", number=MOST):
            head = pull.head
            if head.sha == sha and head.repository is not None and head.repository.full_name == repository:
                found.append(Pull(number=int(pull.number), base_ref=str(pull.base.ref), base=str(pull.base.sha)))
        return tuple(sorted(found, key=lambda one: one.number))

    return hub.ask("finding the pull request", once, needs="pull-requests: read")
