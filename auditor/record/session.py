"""The Python interface: ``with auditor.record(config="conf.yaml", out=["model.npz"]) as run: run.metric("accuracy", 0.97)``.

Loads next to nothing by itself. Where the script is being recorded already (``auditor record -- python train.py``) or
executed again by a verifier, it only passes figures on; so one script serves all three.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsFloat

if TYPE_CHECKING:
    from auditor.record.own import Own

_RECORDING = "AUDITOR_RECORDING"  # the folder of the recorder that started this script
_REEXECUTION = "AUDITOR_SEED_LEDGER"  # a verifier's executions have it
_CONFIG = "AUDITOR_CONFIG"


class Recording:
    """One run of this script, as a context manager. Made by calling ``auditor.record``.

    The script must be started at the root of its git repository. What is read is observed from here on; modules that were
    imported before are listed, other files that were read before are not. An exception makes the run ``failed``,
    KeyboardInterrupt ``interrupted``; the exception goes on.

    Raises:
        UsageError: on entry, when the record would be worthless (uncommitted changes, a data file that is not there).
    """

    def __init__(  # noqa: PLR0913  (the options of the command line that a script can know)
        self,
        *,
        name: str | None = None,
        config: str | Sequence[str] = (),
        data: Mapping[str, str] | None = None,
        out: Sequence[str] = (),
        metrics: str | None = None,
        labels: str | None = None,
        lock: str | None = None,
        manifest: str | None = None,
        allow_dirty: bool = False,
        smoke_limit: float = 120.0,
    ) -> None:
        """Says what the run is given and what it makes; nothing happens before ``with``.

        Args:
            name: of the run; the script's by default.
            config: configuration files, merged in order; see :attr:`config`.
            data: ``NAME`` or ``NAME:ROLE`` to path.
            out: ``[ROLE:]PATH`` of files or folders that the script writes.
            metrics: file that the figures handed to :meth:`metric` are written to at the end (JSON) or line by line
                (``.jsonl``). Only a figure that stands in a file can be compared by a verifier.
            labels: true labels of the predictions.
            lock: lock file that the environment was made from.
            manifest: where to write; ``runs/<time>-<name>.run.yaml`` by default.
            allow_dirty: record uncommitted changes as a patch.
            smoke_limit: seconds; a run this short is its own smoke reproduction.
        """
        self._options: dict[str, Any] = {
            "name": name,
            "manifest": manifest,
            "configs": (config,) if isinstance(config, str) else tuple(config),
            "data": tuple(f"{label}={path}" for label, path in (data or {}).items()),
            "outs": tuple(out),
            "metrics": metrics,
            "labels": labels,
            "lock": lock,
            "allow_dirty": allow_dirty,
            "smoke_limit": float(smoke_limit),
        }
        self._file = Path(metrics) if metrics is not None else None
        self._figures: dict[str, float] = {}
        self._own: Own | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The effective configuration; inside ``with`` only, and also when a verifier has changed values of it."""
        path = os.environ.get(_CONFIG)
        value = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        return value if isinstance(value, dict) else {}

    def metric(self, name: str, value: SupportsFloat, *, step: int | None = None, split: str | None = None) -> None:
        """Hands over a figure. Of several with one name the last counts; ``step`` says where it was reached.

        Raises:
            TypeError: the value is no number.
        """
        if not isinstance(value, SupportsFloat):  # of numpy and torch, too
            raise TypeError(f"metric {name!r}: {value!r} is no number")
        number = value if isinstance(value, int) and not isinstance(value, bool) else float(value)
        self._figures[name] = number
        place = int(step) if step is not None else None
        self._tell({"metric": name, "value": number, "step": place, "split": split})
        if self._file is not None and self._file.suffix in {".jsonl", ".ndjson"}:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(({"step": place} if place is not None else {}) | {name: number}) + "\n")

    def seed(self, name: str, value: int) -> None:
        """Names a seed that is in use; one that configuration, command or a variable has can be changed."""
        if self._own is not None:
            self._own.seed(name, int(value))

    def __enter__(self) -> Self:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.unlink(missing_ok=True)
        if _RECORDING not in os.environ and _REEXECUTION not in os.environ:
            loaded = frozenset(sys.modules)
            from auditor.record.own import Own  # noqa: PLC0415  (only where this script records itself)

            self._own = Own(self._options, loaded)
            self._own.start()
        self._tell({"file": str(self._file)} if self._file is not None else None)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._file is not None and self._figures and not self._file.exists():
            self._file.write_text(json.dumps(self._figures, indent=1) + "\n", encoding="utf-8")
        if self._own is not None:
            self._own.end(error)

    def _tell(self, entry: dict[str, Any] | None) -> None:
        """A line for whoever records this script, this process or another one."""
        folder = os.environ.get(_RECORDING)
        if folder and entry is not None:
            line = (json.dumps(entry) + "\n").encode()
            try:
                handle = os.open(Path(folder, "reported"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:  # the recorder is gone: this process outlived it
                return
            with os.fdopen(handle, "wb") as stream:
                stream.write(line)
