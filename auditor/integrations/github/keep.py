"""Keeps a judged commit from being lost when its branch is squashed into another one and deleted."""

from __future__ import annotations

from github3.exceptions import UnprocessableEntity

from auditor.integrations.github.hub import Hub


def keep(hub: Hub, commit: str) -> None:
    """Create ``refs/auditor/keep/COMMIT``, which nothing moves afterwards; one that is there already is fine.

    What the commit was made from is kept with it.

    Raises:
        NotPostedError: GitHub did not take it.
    """

    def once() -> None:
        try:
            hub.repository.create_ref(f"refs/auditor/keep/{commit}", commit)
        except UnprocessableEntity as error:
            if "already exists" not in str(error.msg).lower():
                raise

    hub.ask("keep reference", once, needs="contents: write")
