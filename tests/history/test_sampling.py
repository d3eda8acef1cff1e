"""The draw is random to everybody but the holder of the key, and what it says about the rest is what statistics allow."""

from __future__ import annotations

import stat

import pytest

from auditor.errors import UsageError
from auditor.history.facts import Facts
from auditor.history.record import Judged
from auditor.history.sampling import KEY_VARIABLE, METHODS, draw, secret, upper_bound
from auditor.model.words import Verdict

KEY = b"k" * 32


def run(number, framework="torch", year=2024, parents=()):
    return Judged(
        seq=number, audit=1, digest=f"sha256:{number:064x}", graded="2026-01-01T00:00:00+00:00", state="read",
        then=Verdict.OPEN, today=Verdict.OPEN, rules="", id=f"run-{number}", identity="canonical", manifest=f"{number}",
        results="", facts=Facts(framework=framework, started=f"{year}-01-01T00:00:00Z", parents=parents, smoke=True),
    )  # fmt: skip


def drawn(runs, method="uniform", key=KEY, policy="p"):
    return draw(runs, method, key=key, policy=policy, executed={})


RUNS = [run(number) for number in range(60)]


@pytest.mark.parametrize("method", METHODS)
def test_every_run_is_drawn_once_and_always_in_the_same_order(method):
    one, two = drawn(RUNS, method), drawn(list(reversed(RUNS)), method)
    assert sorted(pick.run for pick in one.picks) == sorted(judged.digest for judged in RUNS)
    assert one.picks == two.picks


@pytest.mark.parametrize("method", METHODS)
def test_key_policy_and_set_each_change_the_order(method):
    order = [pick.run for pick in drawn(RUNS, method).picks]
    others = [drawn(RUNS, method, key=b"x" * 32), drawn(RUNS, method, policy="q"), drawn(RUNS[:-1], method)]
    for other in others:
        assert [pick.run for pick in other.picks][: len(order) - 1] != order[:-1]


def test_nothing_that_is_shown_gives_the_key_or_the_draw_away():
    one = drawn(RUNS)
    assert KEY.hex() not in one.key + one.seed
    assert drawn(RUNS[:-1]).key == one.key


def test_the_draw_is_uniform():
    first = [drawn(RUNS[:4], key=bytes([number]) * 16).picks[0].run for number in range(200)]
    for judged in RUNS[:4]:
        assert 25 <= first.count(judged.digest) <= 80


def test_strata_take_turns():
    runs = [run(n, "torch") for n in range(20)] + [run(100 + n, "jax") for n in range(2)]
    names = [pick.stratum for pick in drawn(runs, "stratified").picks]
    assert names[:4] == ["jax 2024", "torch 2024"] * 2
    assert set(names[4:]) == {"torch 2024"}


def test_risk_takes_what_others_are_built_on_first_and_chance_every_second_time():
    parent = run(7)
    runs = [*RUNS, *(run(200 + n, parents=(parent.digest,)) for n in range(3))]
    picks = drawn(runs, "risk").picks
    assert picks[0].run == parent.digest
    assert [pick.random for pick in picks[:6]] == [False, True] * 3


def test_the_bound_is_that_of_the_literature():
    picks = drawn([run(number) for number in range(1000)])
    outcomes = {pick.run: True for pick in picks.picks[:20]}
    executed, bad, bound = upper_bound(picks, outcomes)
    assert (executed, bad) == (20, 0)
    assert bound == pytest.approx(1 - 0.05 ** (1 / 20))
    outcomes[picks.picks[0].run] = False
    assert upper_bound(picks, outcomes)[2] == pytest.approx(0.2161, abs=1e-4)  # Clopper-Pearson, 1 of 20, one-sided
    assert upper_bound(picks, {}) == (0, 0, None)


def test_only_chance_speaks_for_the_others():
    picks = drawn(RUNS, "risk")
    chosen = {pick.run: True for pick in picks.picks if not pick.random}
    assert upper_bound(picks, chosen) == (0, 0, None)


def test_when_all_are_executed_nothing_is_uncertain():
    picks = drawn(RUNS)
    outcomes = {pick.run: number > 0 for number, pick in enumerate(picks.picks)}
    assert upper_bound(picks, outcomes)[2] == pytest.approx(1 / 60)


def test_a_stratum_nobody_looked_at_counts_as_bad():
    runs = [run(n, "torch") for n in range(50)] + [run(100 + n, "jax") for n in range(50)]
    picks = drawn(runs, "stratified")
    outcomes = {pick.run: True for pick in picks.picks if pick.stratum.startswith("torch")}
    assert upper_bound(picks, outcomes)[2] == pytest.approx(0.5)


def test_the_key_is_made_once_and_read_by_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    key = secret(tmp_path)
    assert secret(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "history.key").stat().st_mode) == 0o600
    monkeypatch.setenv(KEY_VARIABLE, "0123456789abcdef0")
    assert secret(tmp_path) == b"0123456789abcdef0"
    monkeypatch.setenv(KEY_VARIABLE, "short")
    with pytest.raises(UsageError):
        secret(tmp_path)
