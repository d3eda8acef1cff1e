"""Models that xgboost and lightgbm saved, in all their formats."""

from __future__ import annotations

import json
import re

import lightgbm
import numpy as np
import pytest
import xgboost
from click.testing import CliRunner

from auditor.cli.compare import command
from auditor.compare.errors import Refused
from auditor.compare.tensors import open_tensors
from auditor.compare.trees import ubjson
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int) + (X[:, 2] > 0)
X[::7, 3] = np.nan


def boosted(**options):
    options = {"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1, **options}
    return xgboost.train(options, xgboost.DMatrix(X, Y), 3)


def gradient(**options):
    options = {"objective": "multiclass", "num_class": 3, "num_leaves": 6, "verbose": -1, "num_threads": 1, **options}
    return lightgbm.train(options, lightgbm.Dataset(X, Y), 3)


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_xgboost(tmp_path, look, suffix):
    model = boosted()
    model.save_model(tmp_path / f"a.{suffix}")
    found = look.tensors(tmp_path / f"a.{suffix}")
    assert {"base_score", "sizes", "tree_info", "trees/8/structure", "trees/8/leaf_value"} <= set(found)
    assert found["trees/0/structure"].exact
    assert not found["trees/0/leaf_value"].exact
    path = tmp_path / f"a.{suffix}"
    for tree, text in enumerate(model.get_dump()):  # the library's own printing of every tree
        leaves = sorted(map(float, re.findall(r"leaf=(\S+)", text)))
        thresholds = sorted(map(float, re.findall(r"<(\S+?)\]", text)))
        assert leaves
        assert np.allclose(sorted(look.whole(path, f"trees/{tree}/leaf_value")), leaves, rtol=1e-6)
        assert np.allclose(sorted(look.whole(path, f"trees/{tree}/threshold")), thresholds, rtol=1e-6)


def test_xgboost_s_two_formats_are_one_model(tmp_path, look):
    model = boosted()
    model.save_model(tmp_path / "a.json")
    model.save_model(tmp_path / "a.ubj")
    assert look.same(tmp_path / "a.json", tmp_path / "a.ubj")


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_a_nudged_leaf_is_found_and_another_feature_never_agrees(tmp_path, look, suffix):
    boosted().save_model(tmp_path / "a.json")
    model = json.loads((tmp_path / "a.json").read_text())
    tree = model["learner"]["gradient_booster"]["model"]["trees"][4]
    leaf, split = tree["left_children"].index(-1), next(n for n, left in enumerate(tree["left_children"]) if left != -1)

    def rewritten(name):
        (tmp_path / "b.json").write_text(json.dumps(model))
        again = xgboost.Booster(model_file=tmp_path / "b.json")
        again.save_model(tmp_path / f"{name}.{suffix}")
        return tmp_path / f"{name}.{suffix}"

    same = rewritten("same")
    tree["split_conditions"][leaf] += 0.01
    near = rewritten("near")
    assert look.diverged(same, near) == {"trees/4/leaf_value"}
    assert look.diverged(same, near, Tolerance(absolute=0.02)) == set()
    tree["split_indices"][split] = (tree["split_indices"][split] + 1) % 4
    assert look.diverged(same, rewritten("other"), Tolerance(absolute=1e9)) == {"trees/4/structure"}


def test_linear_and_dart_boosters_and_categories(tmp_path, look):
    target = xgboost.DMatrix(X[:, :3], Y)
    xgboost.train({"booster": "gblinear", "nthread": 1}, target, 2).save_model(tmp_path / "l.json")
    assert look.tensors(tmp_path / "l.json")["weights"].shape == (4,)
    xgboost.train({"booster": "dart", "rate_drop": 0.5, "nthread": 1}, target, 2).save_model(tmp_path / "d.ubj")
    assert look.tensors(tmp_path / "d.ubj")["weight_drop"].shape == (2,)
    kinds = np.arange(300) % 8
    data = xgboost.DMatrix(kinds[:, None], (kinds % 3 == 1) * 1.0, feature_types=["c"], enable_categorical=True)
    for suffix in ("json", "ubj"):
        xgboost.train({"max_cat_to_onehot": 1, "nthread": 1}, data, 2).save_model(tmp_path / f"c.{suffix}")
    assert look.tensors(tmp_path / "c.json")["trees/0/categories"].elements
    assert look.same(tmp_path / "c.json", tmp_path / "c.ubj")


def lightgbm_files(tmp_path, model, name):
    model.save_model(tmp_path / f"{name}.txt")
    (tmp_path / f"{name}.json").write_text(json.dumps(model.dump_model()))
    return tmp_path / f"{name}.txt", tmp_path / f"{name}.json"


def test_lightgbm(tmp_path, look):
    model = gradient()
    splits = [re.findall(r'"split_feature": (\d+)', json.dumps(tree)) for tree in model.dump_model()["tree_info"]]
    for path in lightgbm_files(tmp_path, model, "a"):
        found = look.tensors(path)
        assert found["trees/8/structure"].exact
        for tree in range(9):
            leaves = look.whole(path, f"trees/{tree}/leaf_value")
            assert sorted(leaves) == sorted(model.get_leaf_output(tree, leaf) for leaf in range(len(leaves)))
            assert len(look.whole(path, f"trees/{tree}/threshold")) == len(leaves) - 1
            rows = look.whole(path, f"trees/{tree}/structure", 1000).reshape(len(leaves) - 1, -1)
            assert sorted(rows[:, 0]) == sorted(map(int, splits[tree]))


def test_a_nudged_lightgbm_leaf(tmp_path, look):
    model = gradient()
    before = lightgbm_files(tmp_path, model, "a")
    model.set_leaf_output(5, 2, model.get_leaf_output(5, 2) + 0.01)
    after = lightgbm_files(tmp_path, model, "b")
    for one, other in zip(before, after, strict=True):
        assert look.same(one, one)
        assert look.diverged(one, other) == {"trees/5/leaf_value"}
        assert look.diverged(one, other, Tolerance(absolute=0.02)) == set()
    other = gradient(num_leaves=5)
    for one, two in zip(before, lightgbm_files(tmp_path, other, "c"), strict=True):
        assert "trees/0/structure" in look.diverged(one, two, Tolerance(absolute=1e9))


def test_lightgbm_categories_linear_trees_and_stumps(tmp_path, look):
    kinds = np.arange(300) % 8
    data = lightgbm.Dataset(np.c_[kinds, X[:, 0]], kinds % 3 == 1, categorical_feature=[0], params={"min_data_per_group": 1})
    options = {"objective": "binary", "verbose": -1, "num_threads": 1, "max_cat_to_onehot": 1, "cat_smooth": 0.1}
    text, document = lightgbm_files(tmp_path, lightgbm.train(options | {"min_data_per_group": 1}, data, 2), "c")
    assert look.tensors(text)["trees/0/cat_threshold"].elements
    assert look.tensors(document)["trees/0/categories"].elements
    linear = lightgbm.train(
        {"linear_tree": True, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(X[:, :3], X[:, 0] * X[:, 1]), 2
    )
    for path in lightgbm_files(tmp_path, linear, "l"):
        assert look.tensors(path)["trees/1/leaf_coeff"].elements
        assert look.same(path, path)
    stump = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(X[:, :2], np.ones(300)), 1)
    for path in lightgbm_files(tmp_path, stump, "s"):
        assert look.tensors(path)["trees/0/leaf_value"].elements == 1


def test_the_command_knows_models_from_figures(tmp_path):
    boosted().save_model(tmp_path / "a.json")
    lightgbm_files(tmp_path, gradient(), "b")
    for name in ("a.json", "b.json", "b.txt"):
        result = CliRunner().invoke(command, [str(tmp_path / name), str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        assert "bitwise" in result.output


def broken(**changes):
    boosted_tree = {
        "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0], "default_left": [0, 0, 0],
        "split_type": [0, 0, 0], "split_conditions": [0.5, 1, 2], "tree_param": {"size_leaf_vector": "1"},
    }  # fmt: skip
    tree = {**boosted_tree, **changes}
    booster = {"name": changes.get("booster", "gbtree"), "model": {"trees": [tree], "tree_info": changes.get("info", [0])}}
    parameters = {"base_score": changes.get("base", "[5E-1]"), "num_class": "0", "num_feature": "1"}
    learner = {"gradient_booster": booster, "learner_model_param": parameters, "objective": {"name": "x"}}
    return {"learner": learner}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"left_children": [1, -1]}, Refused),
        ({"left_children": [1 << 70, -1, -1]}, Refused),
        ({"left_children": [1.5, -1, -1]}, Refused),
        ({"left_children": "abc"}, Refused),
        ({"left_children": [[1], -1, -1]}, Refused),
        ({"split_conditions": ["x", 1, 2]}, Refused),
        ({"split_conditions": None}, Refused),
        ({"info": [0, 1]}, Refused),
        ({"base": "x"}, Refused),
        ({"tree_param": {"size_leaf_vector": "3"}}, UndecidableError),
        ({"booster": "other"}, UndecidableError),
    ],
)
def test_models_that_contradict_themselves(tmp_path, changes, error):
    (tmp_path / "a.json").write_text(json.dumps(broken()))
    with open_tensors(tmp_path / "a.json"):
        pass
    (tmp_path / "a.json").write_text(json.dumps(broken(**changes)))
    with pytest.raises(error):
        open_tensors(tmp_path / "a.json")


def test_lightgbm_text_that_contradicts_itself(tmp_path):
    text, _ = lightgbm_files(tmp_path, gradient(), "a")
    content = text.read_text()
    for old, new in [
        ("num_leaves=6", "num_leaves=7"),
        ("Tree=1", "Tree=2"),
        ("end of trees", "end"),
        ("decision_type=", "decision_kind="),
        ("leaf_value=", "leaf_value=x "),
        ("num_cat=0", "num_leaves=6"),
    ]:
        assert old in content
        text.write_text(content.replace(old, new, 1))
        with pytest.raises(Refused):
            open_tensors(text)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{L" + b"\xff" * 8,
        b"[$d#L" + (1 << 60).to_bytes(8, "big"),
        b"[#L" + (1 << 60).to_bytes(8, "big"),
        b"[$Z#L" + (1 << 60).to_bytes(8, "big"),
        b"[" * 100,
        b"{i\x01ai\x01i\x01ai\x02}",
        b"i\x01i",
        b"Si\xff",
        b"[$dZ",
        b"C\xff",
        b"",
    ],
)
def test_ubjson_that_lies(content):
    with pytest.raises(Refused):
        ubjson.decode(content)


def test_ubjson_values():
    assert ubjson.decode(b"{i\x01a[i\x01U\xffZTFCxSi\x02hi]i\x01b[$l#i\x01\0\0\0\x07}") == {
        "a": [1, 255, None, True, False, "x", "hi"],
        "b": np.array([7]),
    }


def test_json_that_is_no_model_is_undecidable(tmp_path):
    (tmp_path / "a.model").write_text('{"a": 1}')
    with pytest.raises(UndecidableError, match="no model"):
        open_tensors(tmp_path / "a.model")
