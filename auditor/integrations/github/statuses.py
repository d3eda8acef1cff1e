"""A commit status: one word and 140 characters, for tokens that may not write checks."""

from __future__ import annotations

from typing import Literal

from auditor.integrations.github.hub import Hub

State = Literal["pending", "success", "failure", "error"]
LONGEST = 140


def post(  # noqa: PLR0913  (each is one field of the status)
    hub: Hub, sha: str, state: State, description: str, *, context: str, target: str | None = None
) -> None:
    """Set the status ``context`` of the commit ``sha``; the last one that is set counts, so that repeating it is harmless.

    Raises:
        NotPostedError: GitHub did not take it.
    """
    words = description if len(description) <= LONGEST else f"{description[: LONGEST - 1]}…"
    hub.ask(
        "commit status",
        lambda: hub.repository.create_status(sha, state, target_url=target, description=words, context=context),
        needs="statuses: write",
    )
