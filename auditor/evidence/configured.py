"""Resolves a run's configuration afresh: from the recorded files and overrides, not from what the manifest says came out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from auditor import digest
from auditor.errors import AuditorError
from auditor.evidence.claimed import ClaimedBytes, unsafe
from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Configuration, FileRef, Run
from auditor.redact import REDACTED

_OVERRIDE = "--set "


def resolve_again(run: Run, history: History, claimed: ClaimedBytes) -> Configuration:
    """What the configuration files of the recorded commit and the recorded overrides give.

    Raises:
        Inconclusive: a file is not here with the recorded bytes, or an override was redacted.
    """
    from auditor.record.configuration import resolve  # noqa: PLC0415  (the recorder: only a configuration needs it)

    configuration = run.configuration
    if configuration is None:
        raise Inconclusive("the run declares no configuration")
    overrides = [
        origin.detail.removeprefix(_OVERRIDE)
        for origin in configuration.origins.values()
        if origin.source == "set" and origin.detail is not None
    ]
    if any(REDACTED in override or "=" not in override for override in overrides):
        raise Inconclusive("an override was redacted, so the configuration cannot be resolved again")
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        root = Path(folder)
        for file in configuration.files:
            if unsafe(file.path):
                raise Inconclusive(f"{file.path!r} is not a path inside the repository")
            target = root / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(recorded_bytes(file, run, history, claimed))
        try:
            return resolve([file.path for file in configuration.files], list(dict.fromkeys(overrides)), root).claim()[0]
        except AuditorError as error:
            raise Inconclusive(f"the configuration cannot be resolved again: {error.message}") from None


def recorded_bytes(file: FileRef, run: Run, history: History, claimed: ClaimedBytes) -> bytes:
    """The bytes of a configuration file as they were when the run was recorded.

    They are looked for in the recorded commit first: the file may have changed since, for the next run.

    Raises:
        Inconclusive: no bytes with the recorded digest are here.
    """
    source = history.source(run)
    content = history.repository.read(source, file.path) if source is not None else None
    if content is not None and file.digest in {None, digest.of_bytes(content)}:
        return content
    return claimed.file(file).read_bytes()
