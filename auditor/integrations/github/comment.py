"""One comment on a pull request, kept up to date in place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from auditor.integrations.github.hub import Hub

LONGEST = 65_536
_NEEDS = "pull-requests: write"
_MARK = re.compile(r"<!-- auditor comment ([a-z0-9.-]{1,64}) run ([0-9]{1,20})\.([0-9]{1,6}) -->")
_CUT = "\n\n*Cut: a comment may have 65,536 characters.*"


def keep(hub: Hub, number: int, body: str, *, key: str, attempt: tuple[int, int]) -> bool:
    """Make ``body`` the one comment called ``key`` on pull request ``number``; tell whether this attempt is the last word.

    It is found by a hidden mark in a comment of a *bot*: anybody can write the mark, and could edit their own comment later.
    ``attempt`` is the workflow's run and attempt number, both of which only grow: an earlier one that ends late leaves the
    later one's words alone. Two at once may both write; whoever looks last removes all but the oldest comment.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    issue = hub.ask("comment", lambda: hub.repository.issue(number), needs=_NEEDS)
    text = _fitted(body, f"<!-- auditor comment {key} run {attempt[0]}.{attempt[1]} -->")

    def once() -> bool:
        mine = _mine(issue.comments(), key)
        if not mine:
            issue.create_comment(text)
            mine = _mine(issue.comments(), key)
            if len(mine) == 1:
                return True
        if any(_attempt(comment) > attempt for comment in mine):
            last = False
            newest = max(mine, key=_attempt)
        else:
            last = True
            newest = mine[0]
            if newest.body != text:
                newest.edit(text)
        for other in mine:
            if other.id != newest.id:
                other.delete()
        return last

    return hub.ask("comment", once, needs=_NEEDS)


def _mine(comments: Iterable[Any], key: str) -> list[Any]:
    """The bot's comments called ``key``, the oldest first."""
    found = [c for c in comments if c.user.type == "Bot" and (mark := _MARK.search(c.body or "")) and mark[1] == key]
    return sorted(found, key=lambda comment: comment.id)


def _attempt(comment: Any) -> tuple[int, int]:
    mark = _MARK.search(comment.body)
    return (int(mark[2]), int(mark[3])) if mark else (0, 0)


def _fitted(body: str, mark: str) -> str:
    room = LONGEST - len(mark) - 1
    cut = body if len(body) <= room else body[: room - len(_CUT)] + _CUT
    return f"{mark}\n{cut}"
