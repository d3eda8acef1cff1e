"""Each rule across runs sees what contradicts a claim, and is silent about the honest history that comes nearest to it."""

from __future__ import annotations

import pytest

from auditor.history.facts import Facts
from auditor.history.forensics import across
from auditor.history.record import Judged
from auditor.model.words import Verdict

FIGURES = {"accuracy": 0.9719298245614035, "loss": 0.08123456789}
WEIGHTS = ("sha256:" + 64 * "1",)
START, END = "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:00+00:00"


def run(name, *, status="succeeded", state="read", **facts):
    about = {"status": status, "started": START, "finished": END, "at": 1_767_300_000, "seeds": {"seed": name}}
    return Judged(
        seq=1, audit=1, digest=f"sha256:{name}", graded=END, state=state, then=Verdict.OPEN, today=Verdict.OPEN, rules="",
        id=name, identity="canonical", manifest=f"runs/{name}.run.yaml", results="", facts=Facts(**about | facts),
    )  # fmt: skip


def pair(first, second):
    return [run("a", **first), run("b", **second)]


CONTRADICTIONS = {
    "copied figures": (pair({"metrics": FIGURES}, {"metrics": FIGURES}), "share all 2 full-precision metrics"),
    "copied weights": (pair({"weights": WEIGHTS}, {"weights": WEIGHTS}), "have the same weights"),
    "reused seeds": (
        pair({"seeds": {"seed": "7"}}, {"seeds": {"seed": "7"}, "repeats": ("sha256:a",)}),
        "is said to repeat a, with the same seeds",
    ),
    "less than no time": ([run("a", started=END, finished=START)], "took -0.0 days"),
    "more than a year": ([run("a", finished="2027-06-01T00:00:00+00:00")], "days"),
    "dated after the merge": ([run("a", at=1_700_000_000)], "started after it was merged"),
    "another content under one name": (
        pair({"data": {"train.csv": "sha256:x"}}, {"data": {"train.csv": "sha256:y"}}),
        "was 2 different data sets",
    ),
    "one content under two names": (
        pair({"data": {"train.csv": "sha256:x"}}, {"data": {"test.csv": "sha256:x"}}),
        "are one data set",
    ),
}
ROUNDED = {"metrics": {"accuracy": 0.97, "f1": 0.95}}
ONE = {"metrics": {"accuracy": FIGURES["accuracy"]}}
SAME = {"metrics": FIGURES, "weights": WEIGHTS, "seeds": {"seed": "7"}}
HONEST = {
    "a sweep shares rounded figures": pair(ROUNDED, ROUNDED),
    "one full figure may coincide": pair(ONE, ONE),
    "the same run recorded twice": pair(SAME, SAME),
    "a record that was mended": pair({"metrics": FIGURES}, {"metrics": FIGURES, "supersedes": "sha256:a"}),
    "a repeat with another seed": pair({}, {"repeats": ("sha256:a",)}),
    "clocks that differ by minutes": [run("a", at=1_767_225_300)],
    "one snapshot, one name": pair({"data": {"train.csv": "sha256:x"}}, {"data": {"train.csv": "sha256:x"}}),
    "a failed run": [run("a", status="failed", started=END, finished=START)],
    "a run that could not be read": [run("a", state="unreadable", started=END, finished=START)],
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_contradiction_is_named_once(what):
    runs, words = CONTRADICTIONS[what]
    found = [finding.message for finding in across(runs)]
    assert len(found) == 1, found
    assert words in found[0]


@pytest.mark.parametrize("what", HONEST)
def test_an_honest_history_is_left_in_peace(what):
    assert [finding.message for finding in across(HONEST[what])] == []


def test_pairs_never_outgrow_the_runs():
    starts = [f"2026-01-01T00:{number // 60:02}:{number % 60:02}+00:00" for number in range(200)]
    many = [run(f"r{number:03}", metrics=FIGURES, started=start) for number, start in enumerate(starts)]
    assert len(list(across(many))) == 199
