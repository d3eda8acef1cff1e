"""Gives a run its evaluation: a command that turns the recorded weights into predictions, tried out at once."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from auditor import digest, redact
from auditor.model.run import Artifact, Needs, Reproduction
from auditor.model.words import Tier
from auditor.record import smoke
from auditor.record.observe import RECORDING
from auditor.record.outputs import Written

_SHORTEST = 60.0
_FACTOR = 3.0


def evaluation(
    words: tuple[str, ...], setting: smoke.Setting, written: Written, seconds: float, *, accelerator: bool
) -> tuple[Reproduction | None, str | None]:
    """Executes ``words`` where only the tracked files, the inputs and the weights are, and says what is to be repeated.

    It may take three times as long as the run did (``seconds``), and at least as long as ``--smoke-limit``.

    Returns:
        The reproduction, None where the command shows nothing; and the reason, or what a person should know about it.
    """
    weights = [a for a in written.artifacts if a.role == "weights" and a.path]
    predictions = [a for a in written.artifacts if a.role == "predictions" and a.path]
    if not weights or not predictions:
        lacking = "weights" if not weights else "predictions"
        return None, f"--evaluate turns weights into predictions, and no {lacking} were declared with --out"
    with smoke.workspace(setting) as place, tempfile.TemporaryDirectory(prefix="auditor-config-") as folder:
        for artifact in weights:
            _copy(setting.root / str(artifact.path), place / str(artifact.path))
        config = Path(folder, "config.json")
        config.write_text(json.dumps(setting.effective.value), encoding="utf-8")
        (Path(folder) / "recording").mkdir()
        told = {"AUDITOR_CONFIG": str(config), RECORDING: str(Path(folder) / "recording")}
        argv = [word.replace("{config}", str(config)) for word in words]
        limit = max(setting.request.smoke_limit, _FACTOR * seconds, 1.0)
        ended = smoke.execute(argv, place, {**setting.variables, **told}, limit)
        if ended.why_not is not None:
            return None, f"no evaluation is recorded: {ended.why_not.replace('the scaled run', 'it')}"
        made = [a for a in predictions if (place / str(a.path)).is_file()]
        other = [a for a in made if digest.of_file(place / str(a.path))[0] != a.digest]
    if not made:
        return None, f"no evaluation is recorded: it did not write {predictions[0].path}"
    note = f"the evaluation wrote another {other[0].path} than the run did: a verifier will compare them" if other else None
    return _reproduction(words, setting, weights, made, ended.seconds, accelerator=accelerator), note


def _reproduction(  # noqa: PLR0913  (a command, what goes in, what comes out, what it takes)
    words: tuple[str, ...],
    setting: smoke.Setting,
    weights: list[Artifact],
    made: list[Artifact],
    seconds: float,
    *,
    accelerator: bool,
) -> Reproduction:
    return Reproduction(
        name="evaluate",
        tier=Tier.EVALUATE,
        command=tuple(redact.argv(words)),
        inputs=(*setting.inputs, *(str(a.path) for a in weights)),
        outputs=tuple(str(a.path) for a in made),
        needs=Needs(accelerator=accelerator),
        timeout=round(max(_SHORTEST, _FACTOR * seconds), 1),
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
