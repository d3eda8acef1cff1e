"""Plays the story from beginning to end and says whether it came out as it must."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from auditor.demo.sabotage import ACTS, Sabotage
from auditor.demo.stage import Stage
from auditor.model.words import Exit

Tell = Callable[[str], None]


def play(tell: Tell) -> Exit:
    """Play all acts in a temporary repository.

    ``Exit.OPEN`` when the honest run was let through and each sabotage blocked by the right check, else ``Exit.BLOCKED``.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="auditor-demo-") as folder:
        tell("A small network learns to read digits. The repository, its data and its policy are real.\n")
        stage = Stage.build(Path(folder).resolve())
        honest = _honest(stage, tell)
        tell("Now six ways to cheat, each on a branch of its own:\n")
        caught = [_act(stage, number, act, tell) for number, act in enumerate(ACTS, start=1)]
    tell(
        f"{sum(caught)} of {len(caught)} sabotages blocked by the right check, the honest run "
        f"{'let through' if honest else 'NOT let through'}, in {time.monotonic() - begun:.0f} s."
    )
    tell("Next, in a repository of yours: auditor init")
    return Exit.OPEN if honest and all(caught) else Exit.BLOCKED


def _honest(stage: Stage, tell: Tell) -> bool:
    stage.branch("honest")
    manifest = stage.record()
    stage.commit("A run")
    tell("  $ auditor record ... -- python train.py")
    tell(f"    wrote {manifest.relative_to(stage.root)}")
    tell("  $ auditor gate merge --base main")
    code, shown = stage.gate_shown()
    tell("\n".join(f"    {line}".rstrip() for line in shown.splitlines()) + "\n")
    return code == Exit.OPEN


def _act(stage: Stage, number: int, act: Sabotage, tell: Tell) -> bool:
    stage.branch(f"act-{number}", act.start)
    act.play(stage)
    stage.commit(act.title)
    code, report = stage.gate()
    finding = _finding(report, act.caught_by)
    caught = code == Exit.BLOCKED and finding is not None
    tell(f"{number} {act.title}: {act.deed}.")
    tell(f"    {report['verdict']} (exit {code}) by {act.caught_by if caught else 'ANOTHER CHECK, or none'}")
    if finding is not None:
        place = ":".join(str(part) for part in (finding.get("file"), finding.get("line")) if part is not None)
        tell(f"    {place}{': ' if place else ''}{finding['message']}")
        tell(f"    fix: {finding['fix']}\n")
    return caught


def _finding(report: dict[str, object], check: str) -> dict[str, object] | None:
    """The first finding of a failed check, in the runs or about the change."""
    results = [*_list(report, "results"), *(result for run in _list(report, "runs") for result in _list(run, "results"))]
    for result in results:
        if result["check"] == check and result["outcome"] == "failed":
            return _list(result, "findings")[0]
    return None


def _list(of: dict[str, object], key: str) -> list[dict[str, object]]:
    found = of[key]
    return found if isinstance(found, list) else []
