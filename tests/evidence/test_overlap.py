from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from auditor import digest
from auditor.evidence.overlap import _by_chance, overlap
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import DataColumns, DataSource


@pytest.fixture
def compare(checkout):
    """Compare two tables, given as header and rows."""

    def put(name, header, rows, suffix):
        content = "\n".join([header, *rows]) + "\n"
        checkout.put(f"{name}{suffix}", content)
        return DataSource(name=name, path=f"{name}{suffix}", digest=digest.of_bytes(content.encode()))

    def run(train, test, *, header="id,x,y", other=None, suffix=".csv", columns=None):
        one, two = put("train", header, train, suffix), put("test", other or header, test, suffix)
        if columns is not None:
            one, two = (DataSource(name=d.name, path=d.path, digest=d.digest, columns=columns) for d in (one, two))
        return overlap(checkout.claimed(None), one, two)

    return run


def rows(count, start=0, seed=1):
    draw = np.random.default_rng(seed)
    return [f"{start + i},{draw.random():.6f},{draw.integers(2)}" for i in range(count)]


def renumbered(row, number):
    return f"{number},{row.partition(',')[2]}"


class TestProbability:
    @pytest.mark.parametrize(
        ("train", "test"),
        [
            ({"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 1, "e": 1}),
            ({"a": 2, "b": 1, "c": 2}, {"a": 1, "b": 1, "d": 1}),
            ({"a": 3, "b": 1}, {"a": 1, "c": 2}),
            ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1}),
        ],
    )
    def test_agrees_with_all_splits_enumerated(self, train, test):
        pooled = [row for row, count in (Counter(train) + Counter(test)).items() for _ in range(count)]
        held_out = sum(test.values())
        observed = sum(count for row, count in test.items() if row in train)
        reached = total = 0
        for chosen in combinations(range(len(pooled)), held_out):
            inside = [pooled[i] for i in chosen]
            outside = {pooled[i] for i in range(len(pooled)) if i not in chosen}
            reached += sum(row in outside for row in inside) >= observed
            total += 1
        exact = reached / total
        estimated = _by_chance(*(Counter({k.encode(): n for k, n in side.items()}) for side in (train, test)), observed)
        # Four standard errors of 999 draws, and the add-one rule.
        assert estimated == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 999) ** 0.5 + 0.0015)

    def test_is_the_same_each_time(self, compare):
        train = [f"{i},{i % 7},{i % 2}" for i in range(60)]
        test = [f"{i},{i % 5},{i % 2}" for i in range(30)]
        assert compare(train, test) == compare(train, test)


class TestLeak:
    def test_disjoint_tables_share_nothing(self, compare):
        found = compare(rows(100), rows(50, start=100, seed=2))
        assert (found.shared, found.rows, found.probability, found.leaks) == (0, 50, 1.0, False)

    def test_five_copied_rows_of_fifty_are_a_leak(self, compare):
        train = rows(100)
        copied = [renumbered(train[i], 1000 + i) for i in (3, 30, 41, 77, 99)]
        found = compare(train, copied + rows(45, start=2000, seed=2))
        assert (found.shared, found.rows, found.leaks) == (5, 50, True)
        assert found.probability < 0.05

    def test_random_splits_of_data_that_repeat_are_none(self, compare):
        draw = np.random.default_rng(7)
        pool = [f"{i},{draw.integers(40, 60) / 10},{draw.integers(3)}" for i in range(150)]
        for _ in range(10):
            draw.shuffle(pool)
            found = compare(pool[:100], pool[100:])
            assert found.shared > 5
            assert not found.leaks

    def test_training_set_copied_into_the_test_set_is_a_leak_even_among_repeats(self, compare):
        draw = np.random.default_rng(9)
        pool = [f"{i},{draw.integers(400)},{draw.integers(3)}" for i in range(300)]
        assert compare(pool[:200], [renumbered(row, 900 + i) for i, row in enumerate(pool[:60])]).leaks


class TestRows:
    def test_columns_in_another_order_are_the_same_row(self, compare):
        assert compare(["1,2,3"], ["3,9,2"], header="id,x,y", other="y,id,x").shared == 1

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("1", "1.0", True),
            ("-0.0", "0", True),
            ("1e2", "100", True),
            ("0.1", "0.10", True),
            ("abc", "abd", False),
            ("1", "one", False),
            ("9007199254740993", "9007199254740992", False),
            ("9" * 400, "9" * 400, True),
            ("1" + "0" * 398, "1" + "0" * 397, False),
            ("nan", "NaN", True),
            ("1e999", "inf", True),
        ],
    )
    def test_numbers_are_compared_by_value(self, compare, one, other, same):
        assert compare([f"1,{one},0"], [f"2,{other},0"]).shared == same

    def test_cells_do_not_run_into_each_other(self, compare):
        assert compare(["1,ab,c"], ["2,a,bc"]).shared == 0

    def test_id_is_left_out_whether_declared_or_conventional(self, compare):
        assert compare(["1,2,3"], ["9,2,3"]).shared == 1
        assert compare(["1,2,3"], ["9,2,3"], header="patient,x,y").shared == 0
        assert compare(["1,2,3"], ["9,2,3"], header="patient,x,y", columns=DataColumns(id="patient")).shared == 1

    def test_tables_of_which_one_has_no_labels_are_compared_by_their_features(self, compare):
        assert compare(["1,2,3"], ["9,2,8"], header="id,x,y", other="id,x,z").shared == 1

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"header": "id,x,y", "other": "id,v,w"}, "no column in common besides an id"),
            ({"train": ["1"], "test": ["2"], "header": "id"}, "no column in common besides an id"),
            ({"train": ["1,2"]}, "shorter than its header"),
            ({"suffix": ".png"}, "not in a form that is read row by row"),
        ],
    )
    def test_what_cannot_be_compared_is_inconclusive(self, compare, arguments, words):
        with pytest.raises(Inconclusive, match=words):
            compare(**{"train": ["1,2,3"], "test": ["2,2,3"], **arguments})
