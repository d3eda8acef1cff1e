"""The commands on real projects: scikit-learn, a numpy loop with checkpoints, PyTorch on the CPU, LightGBM."""

from __future__ import annotations

import json

import pytest
from workbench import Repo, result

from auditor.digest import of_file


def reproductions(report):
    return {each["tier"]: each for run in report["runs"] for each in run["reproductions"]}


@pytest.mark.parametrize("name", ["forest", "loop", "neural", "boosted"])
def test_a_rerun_is_bitwise_and_its_seed_lives(project, name):
    repo = project(name)
    report = repo.gate().expect(0).json()
    found = reproductions(report)["smoke"]
    assert found["agreement"] == "bitwise", found
    assert result(report, "randomness/dead-seed")["outcome"] == "passed"


def test_the_first_steps_of_the_real_run_come_out_as_its_trace_says(project):
    repo = project("loop")
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "prefix", "--steps", "30", "--format", "json").expect(0)
    found = reproductions(answer.json())["prefix"]
    assert found["agreement"] == "bitwise"
    assert {c["of"] for c in found["comparisons"]} == {"metric:steps", "metric:loss", "metric:first"}
    assert next(c for c in found["comparisons"] if c["of"] == "metric:steps")["expected"] == 30
    assert "30 steps" in found["note"]


def _forge(repo: Repo, change) -> None:
    lines = [json.loads(line) for line in repo.read("out/trace.jsonl").splitlines()]
    change(lines)
    place = repo.write("out/trace.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    digest = of_file(place)[0]

    def settle(claims):
        expected = [e for each in claims["reproductions"] for e in each.get("expect", {}).get("artifacts", [])]
        for entry in [*claims["artifacts"], *expected]:
            if entry.get("path") == "out/trace.jsonl":
                entry.update(digest=digest) if "size" not in entry else entry.update(
                    digest=digest, size=place.stat().st_size
                )

    repo.edit(settle)
    repo.commit("Polish")


def test_a_forged_beginning_is_found_out(project):
    repo = project("loop")
    _forge(repo, lambda lines: [line.update(loss=line["loss"] * 0.99) for line in lines[10:]])
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "prefix", "--format", "json").expect(1)
    found = reproductions(answer.json())["prefix"]
    loss = next(c for c in found["comparisons"] if c["of"] == "metric:loss")
    assert loss["agreement"] == "diverged"
    assert "step 11" in loss["note"]


def test_what_comes_after_the_first_steps_is_not_seen_and_said(project):
    repo = project("loop")
    _forge(repo, lambda lines: [line.update(loss=0.0) for line in lines[60:]])
    arguments = ("--tier", "prefix", "--steps", "50", "--format", "json")
    found = reproductions(repo.auditor("reproduce", repo.manifest, *arguments).expect(0).json())["prefix"]
    assert "what came after" in found["note"]


def test_a_run_without_a_trace_has_no_beginning_to_compare(project):
    repo = project("forest")
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "prefix", "--format", "json")
    assert answer.exit == 4, answer


@pytest.mark.parametrize(
    ("needs", "words"), [({"accelerator": True}, "accelerator"), ({"memory": 1 << 50}, f"{1 << 50} bytes of memory")]
)
def test_what_this_machine_lacks_is_not_exercised_and_named(project, needs, words):
    repo = project("forest")
    repo.edit(lambda claims: [each.update(needs=needs) for each in claims["reproductions"]])
    repo.commit("Say what it needs")
    report = repo.gate().expect(4).json()
    found = reproductions(report)["smoke"]
    assert (found["agreement"], found["comparisons"]) == ("not-exercised", [])
    assert words in found["note"]
    assert words in result(report, "reproduction/unexercised-run")["reason"]
    assert "reach" not in found
    assert "needs: " in repo.auditor("reproduce", repo.manifest, "--dry-run").expect(0).stdout


def test_the_plan_has_its_order_and_its_cost(project):
    repo = project("evaluated")
    told = repo.auditor("reproduce", repo.manifest, "--tier", "full", "--tier", "smoke", "--dry-run").expect(0).stdout
    assert [told.index(word) for word in ("1. evaluate", "2. smoke", "3. full")] == sorted(
        told.index(word) for word in ("1. evaluate", "2. smoke", "3. full")
    )
    assert "of a budget of 600 s" in told
    assert "has no stage" in repo.auditor("reproduce", repo.manifest, "--stage", "clean", "--dry-run").expect(2).stderr
