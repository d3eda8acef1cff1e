"""What a dozen executions of a PyTorch project tell about it: its import alone takes seconds in a sandbox."""

from __future__ import annotations


def test_chaos_finds_nothing_that_matters(templates):
    repo = templates("torch", "recorded")
    answer = repo.auditor("chaos", repo.manifest, "--format", "json").expect(0)
    (result,) = answer.json()["runs"][0]["reproductions"]
    assert {c["agreement"] for c in result["comparisons"]} <= {"bitwise", "within-tolerance", "not-exercised"}, result
    assert any(c["agreement"] == "bitwise" for c in result["comparisons"])


def test_bands_are_learned_from_other_seeds(templates):
    repo = templates("torch", "recorded")
    answer = repo.auditor("calibrate", repo.manifest, "--repeats", "3", "--format", "json").expect(0)
    (result,) = answer.json()["runs"][0]["reproductions"]
    found = {c["of"]: c["agreement"] for c in result["comparisons"]}
    assert found["metric:accuracy"] in {"statistically-consistent", "inconclusive"}, result
