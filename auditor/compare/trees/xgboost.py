"""Reads XGBoost models in JSON and UBJSON (https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.tensors.base import Array
from auditor.compare.tensors.held import numbers
from auditor.errors import UndecidableError

_LINKS: Final = ("left_children", "right_children", "split_indices", "default_left", "split_type")
_CATEGORIES: Final = ("categories", "categories_nodes", "categories_segments", "categories_sizes")
_MAX_TREES: Final = 100_000


def arrays(model: dict[str, Any]) -> dict[str, Array]:
    """The model's numbers by name.

    ``trees/N/structure`` has a row per node: left and right child (-1: a leaf), feature, whether missing values go left,
    0 for a numerical or 1 for a categorical split. ``trees/N/threshold`` holds the inner nodes' thresholds,
    ``trees/N/leaf_value`` the leaves' values, both in the order of the nodes. Gains and covers describe the training and
    decide no prediction: they are left out.

    Raises:
        Refused: parts that are missing, of another type, or that contradict each other.
        UndecidableError: a booster that is not known.
    """
    learner = _part(model, "learner", dict)
    booster = _part(learner, "gradient_booster", dict)
    name = booster.get("name")
    found = _learner(learner, name)
    if name == "dart":
        found["weight_drop"] = numbers(booster.get("weight_drop"), "float32", "weight_drop")
        booster = _part(booster, "gbtree", dict)
    inner = _part(booster, "model", dict)
    match name:
        case "gblinear":
            found["weights"] = numbers(inner.get("weights"), "float32", "weights")
        case "gbtree" | "dart":
            found |= _trees(inner)
        case _:
            raise UndecidableError(f"its booster {str(name)[:100]!r} is none that can be compared")
    return found


def _learner(learner: dict[str, Any], booster: Any) -> dict[str, Array]:
    parameters = _part(learner, "learner_model_param", dict)
    objective = _part(learner, "objective", dict).get("name")
    scores = str(parameters.get("base_score", "")).strip("[]").split(",")
    sizes = [parameters.get(key, "0") for key in ("num_class", "num_feature", "num_target")]
    words = [str(word).encode() for word in (booster, objective)]
    return {
        "base_score": numbers(scores, "float32", "base_score"),
        "sizes": numbers(sizes, "int64", "learner_model_param"),
        "booster_and_objective": np.array([word[:64] for word in words], dtype="S64"),
    }


def _trees(model: dict[str, Any]) -> dict[str, Array]:
    trees = _part(model, "trees", list)
    if len(trees) > _MAX_TREES:
        raise Refused(f"it has more than {_MAX_TREES} trees")
    groups = numbers(model.get("tree_info"), "int64", "tree_info")
    if len(groups) != len(trees):
        raise Refused(f"its tree_info counts {len(groups)} trees where there are {len(trees)}")
    found = {"tree_info": groups}
    for number, tree in enumerate(trees):
        if not isinstance(tree, dict):
            raise Refused(f"its tree {number} is no object")
        found |= {f"trees/{number}/{key}": array for key, array in _tree(tree, number).items()}
    return found


def _tree(tree: dict[str, Any], number: int) -> dict[str, Array]:
    links = [numbers(tree.get(key), "int64", f"tree {number}'s {key}") for key in _LINKS]
    values = numbers(tree.get("split_conditions"), "float32", f"tree {number}'s split_conditions")
    if len({len(values), *map(len, links)}) != 1:
        raise Refused(f"its tree {number} has lists of different lengths")
    _require_scalar_leaves(tree, number)
    is_leaf = links[0] == -1
    found = {
        "structure": np.stack(links, axis=1),
        "threshold": values[~is_leaf],
        "leaf_value": values[is_leaf],
    }
    for key in _CATEGORIES:
        if len(tree.get(key, ())):
            found[key] = numbers(tree[key], "int64", f"tree {number}'s {key}")
    return found


def _require_scalar_leaves(tree: dict[str, Any], number: int) -> None:
    """Trees with a vector per leaf keep it elsewhere."""
    size = _part(tree, "tree_param", dict).get("size_leaf_vector", "1")
    if size in {"0", "1", 0, 1}:
        return
    raise UndecidableError(f"its tree {number} has a vector of {str(size)[:20]} values per leaf, which cannot be compared")


def _part(holder: dict[str, Any], key: str, kind: type) -> Any:
    value = holder.get(key)
    if not isinstance(value, kind):
        raise Refused(f"it has no {key} where an XGBoost model has one")
    return value
