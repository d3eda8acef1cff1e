"""Who made a run: the people that may not approve it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from auditor.git import Repository
from auditor.ledger.entry import Entry
from auditor.policy.identity import People

_FORMAT: Final = "%an <%ae>%x00%cn <%ce>%x00%(trailers:key=Co-authored-by,valueonly,separator=%x00)%x1e"
_MOST: Final = 1000
_EVENT_LIMIT: Final = 32 << 20
_MACHINES: Final = frozenset({"noreply@github.com"})
"""Committers that are no people: who presses the merge button of a forge did not write the run."""


class Author(msgspec.Struct, frozen=True, order=True):
    """Somebody who had a hand in a run: how they were written, and where that stands."""

    written: str
    where: str


def authors(  # noqa: PLR0913  (where to look, each named)
    repository: Repository, head: str, *, path: str, author: str | None, commit: str | None, verdicts: Iterable[Entry] = ()
) -> tuple[Author, ...]:
    """Everybody who had a hand in the run whose manifest is at ``path`` in ``head``.

    1. Its manifest's ``author``.
    2. Author, committer and co-authors of the recorded ``commit``.
    3. Those of each commit that touched the manifest.
    4. Whoever opened the pull request: of the event in whose job this runs, or as ``verdicts`` about the run recorded it.
    """
    found = [Author(author, "the manifest's author")] if author else []
    if commit and repository.commit(commit) is not None:
        found += _people(repository, "the recorded commit", "--no-walk", commit)
    found += _people(repository, "a commit that touched the manifest", f"--max-count={_MOST}", head, "--", path)
    found += [Author(login, "the pull request") for login in requested()]
    for verdict in verdicts:
        written = verdict.body.get("authors")
        if isinstance(written, list):
            found += [Author(one, "a verdict about the run") for one in written if isinstance(one, str)]
    return tuple(dict.fromkeys(found))


def hand_in(person: str, people: People, made_by: Iterable[Author]) -> Author | None:
    """The author who is ``person``, under whatever address; None when they had no hand in it."""
    return next((one for one in made_by if people.are_same(one.written, person)), None)


def _people(repository: Repository, where: str, *selection: str) -> Iterator[Author]:
    answer = repository.ask("log", f"--format={_FORMAT}", *selection) or ""
    for record in answer.split("\x1e"):
        for written in record.strip("\n").split("\0"):
            if "<" in written and not any(f"<{machine}>" in written for machine in _MACHINES):
                yield Author(written.strip(), where)


def requested() -> list[str]:
    """The login of whoever opened the pull request that this job runs for."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path or os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    try:
        if Path(path).stat().st_size > _EVENT_LIMIT:
            return []
        user = json.loads(Path(path).read_bytes())["pull_request"]["user"]["login"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [user] if isinstance(user, str) else []
