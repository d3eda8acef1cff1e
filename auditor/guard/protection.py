"""Answers a deployment that waits: judges what the deployed commit holds, and tells GitHub whether it may go on."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor.errors import AuditorError, UndecidableError
from auditor.gate.deploy import Deploy, gate_deploy
from auditor.gate.unjudged import unjudged
from auditor.git import Repository
from auditor.integrations.github import by_hand
from auditor.integrations.github.hub import Hub
from auditor.model.report import Report
from auditor.model.words import Exit, Verdict
from auditor.render import reading

MOST_AGE: Final = dt.timedelta(days=30)
"""GitHub gives a waiting deployment up after that long; what is older was sent again by somebody else."""

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_CALLBACK = re.compile(r"(?P<repository>.+)/actions/runs/(?P<run>[0-9]{1,20})/deployment_protection_rule")
_DEFAULT: Final = "refs/auditor/default"
"""Where the default branch's tip is kept in the clone, whatever else its configuration fetches."""
_LONGEST_COMMENT: Final = 1000
_LARGEST: Final = 4 << 30
_PATIENCE: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A deployment that waits for an answer."""

    repository: str
    environment: str
    sha: str
    run: int
    installation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """What a server answers for: one repository, cloned at ``clone``, and the paths in a commit that are what ships."""

    repository: str
    clone: Path
    artifacts: Sequence[str]
    api: str
    hub: Callable[[int], Hub]


def waiting(payload: dict[str, Any], guarded: Guarded, now: dt.datetime) -> Waiting:
    """The deployment that the event ``payload`` tells of.

    Raises:
        UndecidableError: it is not for us, not of this kind, or too old.
    """
    match payload:
        case {
            "action": "requested",
            "environment": str(environment),
            "deployment_callback_url": str(callback),
            "deployment": {"sha": str(sha), "created_at": str(created)},
            "repository": {"full_name": str(repository)},
            "installation": {"id": int(installation)},
        }:
            pass
        case _:
            raise UndecidableError("the event tells of no deployment that waits")
    if repository != guarded.repository:
        raise UndecidableError(f"the event is about {repository[:100]!r}, which is not guarded here")
    address = _CALLBACK.fullmatch(callback)
    # The token goes nowhere but to the interface that we were told of: the address only names the run.
    if address is None or address["repository"] != f"{guarded.api}/repos/{repository}":
        raise UndecidableError("the event asks for an answer at an address that is not this repository's")
    if not _SHA.fullmatch(sha) or not environment:
        raise UndecidableError("the event names no commit, or no environment")
    try:
        age = now - dt.datetime.fromisoformat(created)
    except (ValueError, TypeError):
        raise UndecidableError("the event does not say when the deployment began") from None
    if age > MOST_AGE:
        raise UndecidableError("the deployment began longer ago than GitHub waits")
    return Waiting(
        repository=repository, environment=environment, sha=sha, run=int(address["run"]), installation=installation
    )


def answer(wanted: Waiting, guarded: Guarded) -> Report:
    """Judge the bytes that ship, and tell GitHub; only an open gate approves.

    Raises:
        NotPostedError: GitHub did not take the answer; the deployment goes on waiting.
    """
    try:
        report = _judged(wanted, guarded)
    except AuditorError as error:
        report = unjudged(error, "deploy")
    approved = report.exit is Exit.OPEN and report.verdict is Verdict.OPEN and not report.advisory
    words = f"auditor: {reading.headline(report)}, {reading.counted(reading.results_of(report))}; commit {wanted.sha[:12]}"
    by_hand.review(
        guarded.hub(wanted.installation),
        wanted.run,
        environment=wanted.environment,
        approved=approved,
        comment=words[:_LONGEST_COMMENT],
    )
    return report


def _judged(wanted: Waiting, guarded: Guarded) -> Report:
    with Repository.discover(guarded.clone) as repository, tempfile.TemporaryDirectory(prefix="auditor-") as room:
        _fetch(repository, wanted.sha)
        files = [_shipped(repository, wanted.sha, path, Path(room), index) for index, path in enumerate(guarded.artifacts)]
        return gate_deploy(Deploy(root=guarded.clone, files=files, head=wanted.sha, base=_DEFAULT)).report


def _fetch(repository: Repository, sha: str) -> None:
    """Fetch the deployed commit and the default branch's tip; the clone's own configuration says from where."""
    for what in (f"+HEAD:{_DEFAULT}", sha):
        try:
            done = subprocess.run(
                ["git", "-c", "core.hooksPath=/dev/null", "fetch", "--quiet", "--no-tags", "origin", what],
                cwd=repository.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UndecidableError(f"git fetch took longer than {_PATIENCE:g} s") from None
        if done.returncode and (what != sha or repository.commit(sha) is None):
            raise UndecidableError("the deployed commit, or the default branch, could not be fetched")


def _shipped(repository: Repository, sha: str, path: str, room: Path, index: int) -> tuple[str, Path]:
    entry = repository.entry(sha, path)
    if entry is None or entry.kind != "blob" or entry.is_link:
        raise UndecidableError(f"{path} is no file in the deployed commit")
    if entry.size is None or entry.size > _LARGEST:
        raise UndecidableError(f"{path} is larger than {_LARGEST >> 30} GiB")
    content = repository.read(sha, path)
    if content is None:
        raise UndecidableError(f"{path} cannot be read in the deployed commit")
    target = room / str(index) / Path(path).name
    target.parent.mkdir()
    target.write_bytes(content)
    return Path(path).name, target
