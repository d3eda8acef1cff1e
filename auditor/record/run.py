"""Records one run: looks before, starts the command, observes it, collects after, and writes the manifest."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from auditor.errors import AuditorError, UsageError
from auditor.git import Repository
from auditor.manifest.shown import clean
from auditor.model.words import Exit
from auditor.record import assemble, reported
from auditor.record.finish import Happened, Say, finish, header, prefix_of, status_of
from auditor.record.observe import Observation, Seen
from auditor.record.outputs import Written
from auditor.record.prepare import Prepared, prepare
from auditor.record.process import Ended, execute
from auditor.record.reads import Inputs, judge
from auditor.record.request import Request
from auditor.record.write import Record, compose

Require = Callable[[Path, str, bytes], Sequence[str]]
"""Judges a provisional manifest: takes the root, the path it is to have and its text; returns what speaks against it."""


class RefusedError(AuditorError):
    """What is known before the run does not satisfy the checklist that it must."""

    exit = Exit.BLOCKED


def record(request: Request, *, say: Say, directory: Path | None = None, require: Require | None = None) -> int:
    """Runs the command of ``request`` and writes its manifest, whether it succeeds, fails or is interrupted.

    Args:
        request: what to run and what to claim about it.
        say: takes one line for a person at a time; the last one is the path of the manifest.
        directory: where to run, the current directory by default; must be the root of a git repository.
        require: asked before the command is started, with all that is known then.

    Returns:
        The command's own exit status, 128 + n when signal n killed it.

    Raises:
        UsageError: the command was not started, and nothing was written.
        RefusedError: the same, because ``require`` found something.
    """
    # 1. Where we are, and everything that must be known before.
    here = (directory or Path.cwd()).resolve()
    with repository_at(here) as repository:
        prepared = prepare(request, repository, here, os.environ)
        if require is not None:
            _ask(require, prepared)
        return _record(prepared, say)


def repository_at(here: Path) -> Repository:
    """The repository whose root is ``here``.

    Raises:
        UsageError: there is none, or its root lies elsewhere.
    """
    repository = Repository.discover(here)
    if repository.root.resolve() == here:
        return repository
    repository.close()
    root = clean(str(repository.root))
    raise UsageError("a run is recorded at the root of its repository", hint=f"cd {shlex.quote(root)}")


def _ask(require: Require, prepared: Prepared) -> None:
    now = datetime.now(UTC)
    provisional = Record(
        prepared=prepared,
        ended=Ended(status=0, interrupted=False, started=now, finished=now, seconds=0.0),
        seen=Seen(method="none"),
        inputs=Inputs(reads=(), undeclared=(), untracked=(), warnings=()),
        written=Written(),
        reproductions=(),
        status="succeeded",
    )
    run_id, path = next(assemble.place(prepared.request, prepared.root, now))
    text = assemble.text_of(assemble.to_value(compose(provisional, run_id)), path)
    if found := require(prepared.root, path, text.encode()):
        listed = "\n".join(f"  {line}" for line in found)
        raise RefusedError(f"not started, because of what is known before the run:\n{listed}", hint="nothing was written")


def _record(prepared: Prepared, say: Say) -> int:
    request, root = prepared.request, prepared.root
    for note in prepared.notes:
        say(f"auditor: warning: {note}")
    with tempfile.TemporaryDirectory(prefix="auditor-config-") as folder:
        # 2. The effective configuration, outside the tree, with its secrets: only the command sees it.
        effective = Path(folder).resolve() / "config.json"
        effective.write_text(json.dumps(prepared.effective.value), encoding="utf-8")
        variables = {**os.environ, "AUDITOR_CONFIG": str(effective)}
        argv = [word.replace("{config}", str(effective)) for word in request.command]
        # 3. The command, observed.
        with Observation(root, watched=effective, method=request.observe) as observation:
            say(f"auditor: {header(prepared)}")
            ended = execute(argv, observation.environment(variables), root, tracer=observation.tracer)
            seen = observation.seen(prefix_of(prepared))
            inputs = judge(prepared, seen, observation.started)
            told = reported.read(observation.folder)
    say(f"auditor: {status_of(ended)} after {ended.seconds:.1f} s, exit status {ended.status}")
    finish(prepared, Happened(ended=ended, seen=seen, inputs=inputs, reported=told), say, os.environ)
    return ended.status
