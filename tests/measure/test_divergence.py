from __future__ import annotations

import json
import random

import pytest
from workbench import recommit, retrace, rewrite

from auditor.commitment.trace import Line
from auditor.diagnose.divergence import first_difference, stage_of


def lines(count, *, changed=None, **change):
    made = [Line(step=n, batch=f"b{n}", metrics={"loss": 1.0 / n}, digests={"rng": f"r{n}"}) for n in range(1, count + 1)]
    if changed is not None:
        made[changed] = Line(
            **{"step": changed + 1, "batch": made[changed].batch, "metrics": made[changed].metrics, **change}
        )
    return made


@pytest.mark.parametrize("place", [0, 1, 30, 31, 63])
def test_halving_finds_the_first_difference_even_where_traces_meet_again(place):
    one, other = lines(64), lines(64, changed=place, batch="other")
    assert first_difference(one, other) == place


def test_equal_traces_and_beginnings_have_no_difference():
    assert first_difference(lines(9), lines(9)) is None
    assert first_difference(lines(9), lines(5)) is None
    assert first_difference([], lines(5)) is None


def test_halving_agrees_with_looking_at_every_step():
    coin = random.Random(4)  # noqa: S311
    for _ in range(50):
        count = coin.randrange(1, 40)
        place = coin.randrange(count)
        assert first_difference(lines(count), lines(count, changed=place, batch="x")) == place


@pytest.mark.parametrize(
    ("change", "allowed", "stage"),
    [
        ({"batch": "x"}, None, "rows of the batch"),
        ({"size": 3}, None, "rows of the batch"),
        ({"hyperparameters": {"learning_rate": 2.0}}, None, "hyperparameters"),
        ({"digests": {"rng": "x"}}, None, "random generator"),
        ({"metrics": {"loss": 0.5 + 1e-9}}, 1e-7, "figures, by rounding"),
        ({"metrics": {"loss": 0.6}}, 1e-7, "figures, at once"),
        ({"metrics": {"loss": "nan"}}, 1e-7, "figures, at once"),
        ({"digests": {"rng": "r", "weights": "x"}}, None, "weights"),
    ],
)
def test_the_first_stage_that_differs_names_the_cause(change, allowed, stage):
    base = {"step": 2, "batch": "b", "metrics": {"loss": 0.5}, "digests": {"rng": "r"}}
    assert stage_of(Line(**base), Line(**{**base, **change}), allowed) == stage


def explained(repo, exits):
    answer = repo.auditor("reproduce", repo.manifest, "--explain", "--format", "json").expect(*exits)
    (result,) = answer.json()["runs"][0]["reproductions"]
    return result["note"]


def test_an_honest_run_parts_nowhere(repo):
    assert "equal to the last bit" in explained(repo, (0,))


def test_another_learning_rate_and_other_rows_are_named_with_their_step(repo):
    def change(line):
        if line["step"] >= 33:
            line["hyperparameters"]["learning_rate"] = 0.01

    recommit(repo, lambda folder: retrace(folder, change))
    note = explained(repo, (1,))
    assert "at step 33 of 80" in note
    assert "hyperparameters" in note


def test_a_claimed_curve_is_drawn_with_what_rounding_explains_around_it(repo):
    def flatter(line):
        if line["step"] > 40:
            line["metrics"]["loss"] *= 0.9

    recommit(repo, lambda folder: retrace(folder, flatter))
    answer = repo.auditor("reproduce", repo.manifest, "--explain", "--format", "json", "--output", "html:page.html").expect(
        1
    )
    (parted,) = answer.json()["runs"][0]["reproductions"][0]["comparisons"]
    curve = parted["curve"]
    outside = [
        step
        for step, one, other, allowed in zip(
            *(curve[part] for part in ("steps", "expected", "actual", "allowed")), strict=True
        )
        if allowed is not None and abs(one - other) > allowed
    ]
    assert outside == list(range(41, 81))
    assert 'class="envelope"' in repo.read("page.html")


def test_other_initial_weights_are_named_first(repo):
    def scale(arrays):
        arrays["weights/w1"] *= 2

    recommit(repo, lambda folder: rewrite(folder, 0, scale))
    assert "initial weights" in explained(repo, (1,))


def test_a_run_without_a_trace_is_explained_by_its_outputs(repo):
    def forget(claims):
        del claims["checkpoints"]
        claims["metrics"][1]["value"] = 0.25

    repo.edit(forget)
    note = explained(repo, (0, 1))
    assert "the metric's own code" in note
    json.dumps(note)
