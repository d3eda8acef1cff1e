"""Gives a run its smoke reproduction: the run itself where it is short, or a scaled-down one that is executed at once."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from auditor import digest
from auditor.errors import UsageError
from auditor.manifest.shown import clean
from auditor.model.run import Expect, ExpectedArtifact, ExpectedMetric, Json, Needs, Reproduction
from auditor.record.code import is_below
from auditor.record.configuration import Effective, change, has, parse_override
from auditor.record.observe import RECORDING
from auditor.record.outputs import Written, collect
from auditor.record.request import Request

_SHORTEST: Final = 60.0
_FACTOR: Final = 3.0
_LAST_WORDS: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a scaled run needs of the recorded one.

    ``files`` are tracked paths; ``argv`` still holds ``{config}``; ``shown`` is the same without credentials. ``inputs`` are
    paths of declared data and of what earlier stages wrote.
    """

    root: Path
    files: Sequence[str]
    request: Request
    effective: Effective
    argv: Sequence[str]
    shown: Sequence[str]
    variables: Mapping[str, str]
    inputs: Sequence[str]
    name: str = "smoke"


def parse_scale(text: str, effective: Effective) -> dict[str, Json]:
    """The overrides of ``--smoke 'KEY=VALUE ...'``: dotted keys that the configuration has.

    Raises:
        UsageError: not in this form, or a key that nothing would read.
    """
    try:
        scale = dict(parse_override(word) for word in shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--smoke {text!r}: {error}") from error
    if not scale:
        raise UsageError("--smoke is empty", hint="write for example --smoke 'epochs=1', or leave it out")
    for key in scale:
        if not has(effective.value, key):
            raise UsageError(
                f"--smoke: the configuration has no {key}", hint="put the values that shrink the run into a --config file"
            )
    return scale


def own(written: Written, seconds: float, setting: Setting, *, accelerator: bool) -> Reproduction:
    """The run as its own smoke: same command, same configuration, three times its duration to do it in."""
    return _reproduction(setting, {}, written, seconds, accelerator=accelerator)


def scaled(
    scale: dict[str, Json], setting: Setting, seconds: float, *, accelerator: bool
) -> tuple[Reproduction | None, str | None]:
    """Executes the run with ``scale`` changed, in a copy of the tracked files, and says what it produced.

    It may take three times as long as the whole run did (``seconds``), and at least as long as ``--smoke-limit``.

    Returns:
        The reproduction, or None and the reason why the scaled run shows nothing.
    """
    with workspace(setting) as place:
        effective = setting.effective
        for key, value in scale.items():
            effective = Effective(value=change(effective.value, key, value), files=effective.files, layers=effective.layers)
        if effective.is_single_file:
            _rewrite(place / effective.files[0].path, effective.value)
        with tempfile.TemporaryDirectory(prefix="auditor-config-") as folder:
            config = Path(folder, "config.json")
            config.write_text(json.dumps(effective.value), encoding="utf-8")
            argv = [word.replace("{config}", str(config)) for word in setting.argv]
            (Path(folder) / "recording").mkdir()
            told = {"AUDITOR_CONFIG": str(config), RECORDING: str(Path(folder) / "recording")}
            limit = max(setting.request.smoke_limit, _FACTOR * seconds, 1.0)
            ended = execute(argv, place, {**setting.variables, **told}, limit)
        if ended.why_not is not None:
            return None, ended.why_not
        written = collect(place, setting.request.outs, setting.request.metrics, {})
        if not written.artifacts and not written.metrics:
            return None, "the scaled run wrote none of the declared outputs"
        return _reproduction(setting, scale, written, ended.seconds, accelerator=accelerator), None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an execution ended; ``why_not`` says why it shows nothing."""

    seconds: float
    why_not: str | None = None


def execute(argv: Sequence[str], place: Path, variables: Mapping[str, str], limit: float) -> Ended:
    """Runs a scaled run in a session of its own, so that all of it can be ended; of its output only the end is kept."""
    clock = time.perf_counter()
    last = bytearray()
    with subprocess.Popen(
        argv,
        cwd=place,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        reader = threading.Thread(target=_drain, args=(process, last), daemon=True)
        reader.start()
        try:
            code = process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            hint = "choose values that shrink it further, or raise --smoke-limit"
            return Ended(seconds=limit, why_not=f"the scaled run was still running after {limit:.0f} s: {hint}")
        finally:
            # What it left running holds the pipe and would write into the folder.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            reader.join(timeout=5.0)
    seconds = time.perf_counter() - clock
    words = clean(last.decode(errors="replace").strip())
    return Ended(seconds=seconds, why_not=f"the scaled run ended with {code}: {words}" if code else None)


def _drain(process: subprocess.Popen[bytes], last: bytearray) -> None:
    assert process.stdout is not None  # noqa: S101  (opened with PIPE)
    while block := process.stdout.read1(1 << 16):  # type: ignore[attr-defined]  # a buffered pipe has it
        last += block
        del last[:-_LAST_WORDS]


def _reproduction(
    setting: Setting, scale: dict[str, Json], written: Written, seconds: float, *, accelerator: bool
) -> Reproduction:
    return Reproduction(
        name=setting.name,
        command=tuple(setting.shown),
        inputs=tuple(setting.inputs),
        outputs=tuple(sorted(a.path for a in written.artifacts if a.path)),
        scale=scale,
        needs=Needs(accelerator=accelerator),
        timeout=round(max(_SHORTEST, _FACTOR * seconds), 1),
        expect=Expect(
            metrics=tuple(ExpectedMetric(name=m.name, value=m.value) for m in written.metrics),
            # The metrics file is compared figure by figure: the time it took may stand in it.
            artifacts=tuple(
                ExpectedArtifact(path=a.path, digest=None if a.digest == digest.EMPTY else a.digest, role=a.role)
                for a in written.artifacts
                if a.path and a.role != "metrics"
            ),
        ),
    )


@contextlib.contextmanager
def workspace(setting: Setting) -> Iterator[Path]:
    """A folder with the tracked files as the run saw them and its declared inputs, without outputs and manifests."""
    outputs = setting.request.outputs
    with tempfile.TemporaryDirectory(prefix="auditor-smoke-") as folder:
        place = Path(folder)
        for name in dict.fromkeys([*setting.files, *(i for i in setting.inputs if not Path(i).is_absolute())]):
            if is_below(name, outputs) or name.endswith((".run.yaml", ".run.json")):
                continue
            source, target = setting.root / name, place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink() and not source.exists():
                continue
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy2(source, target)
        for name in outputs:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
        yield place


def _rewrite(path: Path, value: dict[str, Json]) -> None:
    text = json.dumps(value, indent=2) if path.suffix == ".json" else yaml.safe_dump(value, sort_keys=False)
    path.write_text(text, encoding="utf-8")
