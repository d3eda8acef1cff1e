"""Records the script that is running in this process: the same manifest as the command line writes, from within."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from auditor.errors import AuditorError, UsageError
from auditor.model.run import Json
from auditor.record import reported, seeds
from auditor.record.finish import Happened, finish, header, prefix_of, status_of
from auditor.record.observe import RECORDING, Observation, Seen
from auditor.record.prepare import Prepared, prepare
from auditor.record.process import Ended
from auditor.record.reads import judge
from auditor.record.request import parse
from auditor.record.run import repository_at

_CHANGED: Final = ("AUDITOR_CONFIG", "PYTHONPATH", RECORDING)
_UNSEEN: Final = "from the entry of auditor.record on; of what was read earlier only modules are listed"
_NOT_THE_RUNS: Final = "_distutils_hack"  # setuptools puts it into every interpreter
_DEFAULTS: Final[dict[str, Any]] = {
    "overrides": (),
    "seeds": (),
    "predictions": None,
    "smoke": None,
    "trace": None,
    "evaluate": None,
    "stage": None,
    "observe": "audit-hook",
    "supersedes": None,
    "reason": None,
    "parents": (),
}


class Own:
    """The record of this process. ``loaded`` are the modules that were there before any of ours."""

    def __init__(self, options: dict[str, Any], loaded: frozenset[str]) -> None:
        self._loaded = loaded
        self._request = parse(**_DEFAULTS, **options, argv=_argv())
        self._flags: dict[str, Json] = {}
        self._stack = ExitStack()

    def start(self) -> None:
        """Looks at everything that must be known before, and begins to observe.

        Raises:
            UsageError: the record would be worthless.
        """
        try:
            self._start(Path.cwd().resolve(), dict(os.environ))
        except AuditorError as error:
            if error.hint:
                error.add_note(error.hint)
            raise
        self._started, self._clock = datetime.now(UTC), time.perf_counter()

    def _start(self, root: Path, before: dict[str, str]) -> None:
        with ExitStack() as stack:
            repository = stack.enter_context(repository_at(root))
            prepared = prepare(self._request, repository, root, before)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="auditor-config-"))).resolve()
            effective = folder / "config.json"
            effective.write_text(json.dumps(prepared.effective.value), encoding="utf-8")
            self._observation = stack.enter_context(Observation(root, watched=effective))
            os.environ |= self._observation.environment({**before, "AUDITOR_CONFIG": str(effective)})
            stack.callback(_restore, before)
            for note in prepared.notes:
                _say(f"auditor: warning: {note}")
            _say(f"auditor: {header(prepared)}")
            stack.callback(_observe(self._observation.folder))
            self._prepared, self._variables = prepared, before
            self._stack = stack.pop_all()

    def seed(self, name: str, value: int) -> None:
        """Notes a seed, with the place where a verifier can put another one where there is any."""
        prepared = self._prepared
        try:
            found = seeds.find(prepared.effective.value, self._request.command, self._variables, [f"{name}={value}"])
            prepared.seeds[name] = found[name]
        except UsageError:
            same = [seed for seed in prepared.seeds.values() if seed.value == value]
            self._flags[f"seed.{name}"] = value
            if not same:
                _say(
                    f"auditor: warning: the seed {name}={value} stands in no configuration, argument or variable: "
                    "a verifier cannot change it"
                )

    def end(self, error: BaseException | None) -> None:
        """Writes the manifest. What goes wrong here never hides what the script itself ended with.

        Raises:
            AuditorError: the manifest cannot be written, and the script ended well.
        """
        ended = Ended(
            status=_status(error),
            interrupted=isinstance(error, KeyboardInterrupt),
            started=self._started,
            finished=datetime.now(UTC),
            seconds=time.perf_counter() - self._clock,
        )
        with self._stack:
            try:
                self._finish(self._prepared, ended)
            except (AuditorError, OSError, ValueError) as failure:
                if error is None:
                    raise
                _say(f"auditor: the run is not recorded: {failure}")

    def _finish(self, prepared: Prepared, ended: Ended) -> None:
        observation = self._observation
        seen = self._with_modules(observation.seen(prefix_of(prepared)), prepared.root)
        happened = Happened(
            ended=ended,
            seen=seen,
            inputs=judge(prepared, seen, observation.started),
            reported=reported.read(observation.folder),
            flags=self._flags,
            notes={"observed": _UNSEEN},
        )
        _say(f"auditor: {status_of(ended)} after {ended.seconds:.1f} s")
        finish(prepared, happened, _say, self._variables)

    def _with_modules(self, seen: Seen, root: Path) -> Seen:
        """What was observed, and the modules that were imported before anything was."""
        files = [getattr(sys.modules.get(name), "__file__", None) for name in self._loaded]
        own = [Path(file).resolve() for file in files if isinstance(file, str)]
        local = {file.relative_to(root).as_posix() for file in own if file.is_relative_to(root)}
        kept = {path for path in local if not path.startswith(tuple(f"{prefix}/" for prefix in seen.prefixes))}
        kept = {path for path in kept if not set(seen.prefixes).intersection(path.split("/"))}
        before = {".".join(name.split(".", 2)[:2]) for name in self._loaded if not name.startswith(_NOT_THE_RUNS)}
        return replace(
            seen,
            reads=tuple(sorted({*seen.reads, *kept})),
            imports=frozenset({*(seen.imports or ()), *before}),
        )


def _argv() -> tuple[str, ...]:
    """The command line that started this process.

    Raises:
        UsageError: it was started without a script: nobody could start it again.
    """
    argv = tuple(sys.orig_argv)
    if len(argv) < 2 or hasattr(sys, "ps1") or "ipykernel" in sys.modules:
        raise UsageError(
            "an interactive session cannot be recorded: there is no command to run again",
            hint="put the training into a script and start it: python train.py",
        )
    return argv


def _observe(folder: Path) -> Callable[[], None]:
    """Starts the hook of recorded commands in this process; what is returned ends it."""
    spec = importlib.util.spec_from_file_location("auditor_hook", folder / "sitecustomize.py")
    if spec is None or spec.loader is None:
        raise UsageError("the hook that observes reads cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stop: Callable[[], None] = module._observe()  # noqa: SLF001  (the hook is a file for other interpreters, and ours)
    return stop


def _restore(before: dict[str, str]) -> None:
    for name in _CHANGED:
        if name in before:
            os.environ[name] = before[name]
        else:
            os.environ.pop(name, None)


def _status(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, SystemExit):
        return 0 if error.code is None else error.code if isinstance(error.code, int) else 1
    return 1


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
