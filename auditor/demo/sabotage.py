"""Six ways to get a run past a gate that only looks, and the check that has to catch each."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

from auditor import digest
from auditor.demo.stage import Stage
from auditor.manifest.reader import read_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One act. ``play`` leaves the stage's work tree as the cheat would commit it; ``start`` is the branch it begins on."""

    title: str
    deed: str
    caught_by: str
    start: str
    play: Callable[[Stage], None]


def _edited_metric(stage: Stage) -> None:
    stage.edit({"/metrics/0/value": 0.9972}, stage.manifest())


def _nudged_weights(stage: Stage) -> None:
    import numpy as np  # noqa: PLC0415  (only this act needs arrays)

    path = stage.root / "out/model.npz"
    with np.load(path) as file:
        layers = {name: file[name] for name in file.files}
    layers["weights_1"] = layers["weights_1"] * (1 + 1e-6)
    np.savez(path, **layers)
    _claim_again(stage, "out/model.npz")


def _changed_row(stage: Stage) -> None:
    path = stage.root / "data/train.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    cells = lines[5].rstrip("\n").split(",")
    cells[-1] = str((int(cells[-1]) + 1) % 10)
    lines[5] = ",".join(cells) + "\n"
    path.write_text("".join(lines), encoding="utf-8")


def _dead_seed(stage: Stage) -> None:
    stage.replace("train.py", 'random_state=config["seed"]', "random_state=42")
    stage.commit("Use the lucky seed")
    stage.record()


def _loosened_policy(stage: Stage) -> None:
    stage.replace("auditor.yaml", "{absolute: 1.0e-9, relative: 1.0e-6}", "{absolute: 0.5, relative: 0.0}")


def _fabricated_run(stage: Stage) -> None:
    path = stage.root / "out/predictions.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = list(csv.reader(stream))
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *([id_, label, label] for id_, label, _ in rows)])
    (stage.root / "out/metrics.json").write_text('{"accuracy": 1.0}', encoding="utf-8")
    honest = stage.manifest()
    invented = honest.with_name("20260101-000000-champion.run.yaml")
    honest.rename(invented)
    claims = {"/run/id": invented.name.removesuffix(".run.yaml"), "/metrics/0/value": 1.0}
    stage.edit(claims | {"/reproductions/0/expect/metrics/0/value": 1.0}, invented)
    _claim_again(stage, "out/predictions.csv")
    _claim_again(stage, "out/metrics.json")


def _claim_again(stage: Stage, path: str) -> None:
    """Correct every digest of ``path`` in the manifest, as a careful cheat would."""
    manifest = stage.manifest()
    new, size = digest.of_file(stage.root / path)
    value = read_file(manifest).value
    change: dict[str, object] = {}
    for index, artifact in enumerate(value["artifacts"]):
        if artifact.get("path") == path:
            change |= {f"/artifacts/{index}/digest": new, f"/artifacts/{index}/size": size}
    for index, artifact in enumerate(value["reproductions"][0]["expect"]["artifacts"]):
        if artifact.get("path") == path:
            change[f"/reproductions/0/expect/artifacts/{index}/digest"] = new
    stage.edit(change, manifest)


ACTS = (
    Sabotage(
        title="Edited metric",
        deed="somebody types a better accuracy into the manifest",
        caught_by="metrics/wrong-metric",
        start="honest",
        play=_edited_metric,
    ),
    Sabotage(
        title="Nudged weights",
        deed="one layer is scaled by a millionth, and its digest corrected",
        caught_by="reproduction/diverged-reproduction",
        start="honest",
        play=_nudged_weights,
    ),
    Sabotage(
        title="Changed data",
        deed="one label of 1,438 is changed after the run",
        caught_by="data/changed-dataset",
        start="honest",
        play=_changed_row,
    ),
    Sabotage(
        title="Dead seed",
        deed="a constant replaces the recorded seed, and the run is recorded again",
        caught_by="randomness/dead-seed",
        start="main",
        play=_dead_seed,
    ),
    Sabotage(
        title="Loosened policy",
        deed="the branch that brings the run also widens the tolerance",
        caught_by="governance/loosened-policy",
        start="honest",
        play=_loosened_policy,
    ),
    Sabotage(
        title="Fabricated run",
        deed="a perfect run is written by hand, with predictions and digests to match",
        caught_by="reproduction/diverged-reproduction",
        start="honest",
        play=_fabricated_run,
    ),
)
