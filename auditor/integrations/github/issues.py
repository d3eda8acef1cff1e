"""An issue for what got worse: opened once, updated while it lasts, closed when it is over."""

from __future__ import annotations

import re
from typing import Any

from auditor.integrations.github.hub import Hub

LABEL = "auditor"
_NEEDS = "issues: write"
_KEY = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
_LONGEST_TITLE, _LONGEST_BODY = 256, 65_000


def keep(hub: Hub, *, key: str, title: str, body: str, lasts: bool) -> int | None:
    """See to it that the issue called ``key`` says ``body`` and is open exactly when the defect ``lasts``; its number.

    None when there is none and none is needed. Text of a run must be harmless already: it is posted as Markdown. The issue
    is known by a hidden mark in a bot's issue with the label ``auditor``.

    Raises:
        NotPostedError: GitHub did not take it.
        ValueError: ``key`` could not be found again.
    """
    if not _KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"{key!r} cannot stand in a mark")
    mark = f"<!-- auditor issue {key} -->"
    text = f"{mark}\n{body[:_LONGEST_BODY]}"

    def once() -> int | None:
        found = _found(hub, mark)
        if found is None:
            made = hub.repository.create_issue(title[:_LONGEST_TITLE], body=text, labels=[LABEL]) if lasts else None
            return None if made is None else int(made.number)
        state = "open" if lasts else "closed"
        if (found.state, found.body, found.title) != (state, text, title[:_LONGEST_TITLE]):
            found.edit(title=title[:_LONGEST_TITLE], body=text, state=state)
        return int(found.number)

    return hub.ask("issue", once, needs=_NEEDS)


def _found(hub: Hub, mark: str) -> Any:
    for issue in hub.repository.issues(state="all", labels=LABEL, direction="asc"):
        if issue.user.type == "Bot" and (issue.body or "").startswith(mark):
            return issue
    return None
