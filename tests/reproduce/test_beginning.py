"""The beginning of a run on another machine, or of one that is never the same twice: judged as far as rounding allows."""

from __future__ import annotations

import json
from contextlib import nullcontext

import msgspec
import pytest

from auditor.errors import UndecidableError
from auditor.git import Repository
from auditor.model.run import Artifact, DataSource, Executor, Run, RunInfo
from auditor.model.words import Agreement, Tier
from auditor.reproduce.nudge import nudge
from auditor.reproduce.workspace import Workspace

replace = msgspec.structs.replace

STEPS = 60
HEAD = f"""
import json, os
import numpy as np
out = os.environ.get("AUDITOR_OUT", "out"); os.makedirs(out, exist_ok=True)
x = float(np.loadtxt("data/train.csv", delimiter=",", skiprows=1)[:, 0].mean()) % 1.0
steps = min({STEPS}, int(os.environ.get("AUDITOR_STEPS", "{STEPS}")))
with open(out + "/trace.jsonl", "w") as trace:
    for step in range(1, steps + 1):
"""
TAIL = """
        trace.write(json.dumps({"step": step, "loss": x}) + "\\n")
"""
CALM = HEAD + "        x = 0.9 * x + 0.01" + TAIL
CHAOTIC = HEAD + "        x = 3.9 * x * (1 - x)" + TAIL
NOISY = HEAD + "        x = 0.9 * x + 0.01 + (os.urandom(1)[0] - 128) * 1e-9" + TAIL


def run_of(project, script, *, elsewhere=True, change=list):
    """A run whose trace was changed, as recorded on another machine."""
    project.write("data/train.csv", "a,b\n" + "".join(f"{0.1 + i / 97},{i / 7:.3f}\n" for i in range(20)))
    project.outputs = ("out/trace.jsonl",)
    run = project.record(script)
    place = project.root / "out/trace.jsonl"
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    change(lines)
    place.write_text("".join(json.dumps(line) + "\n" for line in lines))
    trace = Artifact(name="trace", role="trace", path="out/trace.jsonl", digest=project.digest("out/trace.jsonl"))
    environment = replace(run.environment, executor=Executor(class_="aarch64-sve-0123456789ab"))
    run = replace(run, artifacts=(trace,), metrics=(), environment=environment if elsewhere else run.environment)
    return replace(run, data=tuple(replace(d, digest=project.digest(str(d.path))) for d in run.data))


def begin(project, run):
    (result,) = project.reproduce(run, tiers=(Tier.PREFIX,), steps=STEPS).results
    return result, next((c for c in result.comparisons if c.of == "metric:loss"), None)


def scaled(lines, by, start=0):
    for line in lines[start:]:
        line["loss"] *= by


def test_the_same_figures_need_no_twin(project):
    result, _ = begin(project, run_of(project, CALM))
    assert result.agreement is Agreement.BITWISE
    assert "twin" not in result.note


def test_rounding_of_another_machine_is_allowed_as_far_as_twins_stay_together(project):
    result, loss = begin(project, run_of(project, CALM, change=lambda lines: scaled(lines, 1 + 1e-9)))
    assert (result.agreement, loss.agreement) == (Agreement.WITHIN_TOLERANCE,) * 2
    assert "drives none of the 4 noise twins apart" in result.note
    assert not result.calibrated


def test_beyond_half_the_horizon_of_its_own_twins_nothing_is_compared(project):
    """An orbit that rounding alone drives apart: what an honest run does late in it says nothing."""
    result, loss = begin(project, run_of(project, CHAOTIC, change=lambda lines: scaled(lines, 1.5, start=STEPS - 5)))
    assert result.agreement is Agreement.BITWISE, "what differs lies beyond the horizon, and all before it is equal"
    assert "went its own way at step" in result.note
    assert loss.curve.steps[-1] < STEPS // 2 + 10
    steps = next(c for c in result.comparisons if c.of == "metric:steps")
    assert "beyond the horizon not compared" in steps.note


def test_within_the_horizon_another_run_is_found_out(project):
    for script in (CALM, CHAOTIC):
        result, loss = begin(project, run_of(project, script, change=lambda lines: scaled(lines, 1.001, start=5)))
        assert (result.agreement, loss.first) == (Agreement.DIVERGED, "step 6")


def test_on_the_same_machine_a_difference_is_one(project):
    change = {"change": lambda lines: scaled(lines, 1 + 1e-9)}
    result, _ = begin(project, run_of(project, CALM, elsewhere=False, **change))
    assert result.agreement is Agreement.DIVERGED
    assert "twin" not in result.note


def test_a_program_that_never_comes_out_the_same_is_judged_like_another_machine(project):
    result, _ = begin(project, run_of(project, NOISY, elsewhere=False))
    assert result.agreement is Agreement.WITHIN_TOLERANCE, result
    assert "not bitwise repeatable" in result.note


def test_without_numbers_to_move_the_table_decides_and_says_so(project):
    run = run_of(project, CALM, change=lambda lines: scaled(lines, 1 + 1e-9))
    result, _ = begin(project, replace(run, data=()))
    assert result.agreement is Agreement.WITHIN_TOLERANCE
    assert "no noise twin" in result.note


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("id,x,label\n1,0.5,0\n2,0.25,1\n3,-2e3,1\n", {1}),
        ("id,x,label\n1,5,0\n2,7,1\n3,9,1\n", {1}),
        ("a,b\nred,0.0\n", set()),
    ],
)
def test_only_features_are_moved_and_by_no_more_than_a_bit(project, text, moved):
    project.write("data/train.csv", text)
    source = DataSource(name="train", role="train", path="data/train.csv", digest=project.digest("data/train.csv"))
    run = Run(schema="", run=RunInfo(id="r", status="succeeded"), data=(source,))
    changed = set()
    for number in range(1, 5):
        with Workspace(Repository(project.root), project.commit(), data=run.data) as workspace:
            with nullcontext() if moved else pytest.raises(UndecidableError, match="hold no numbers"):
                nudge(run, workspace, precision="float64", number=number)
            lines = (workspace.root / "data/train.csv").read_text().splitlines()
        for one, other in zip(text.splitlines(), lines, strict=True):
            for at, (old, new) in enumerate(zip(one.split(","), other.split(","), strict=True)):
                if old != new:
                    changed.add(at)
                    assert 0 < abs(float(new) / float(old) - 1) < 1e-15
                    assert int(float(new)) == int(float(old)) or not old.isdecimal()
    assert changed == moved
