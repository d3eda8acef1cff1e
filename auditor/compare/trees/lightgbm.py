"""Reads LightGBM models: the text of ``save_model`` and the JSON of ``dump_model``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from auditor.compare.errors import Refused
from auditor.compare.tensors.base import Array
from auditor.compare.tensors.held import numbers

_HEADER: Final = ("num_class", "num_tree_per_iteration", "max_feature_idx")
_INTEGERS: Final = ("split_feature", "decision_type", "left_child", "right_child")
_FLOATS: Final = ("threshold", "leaf_value", "leaf_const", "leaf_coeff")
_MORE_INTEGERS: Final = ("cat_boundaries", "cat_threshold", "num_features", "leaf_features")
_MAX_TREES: Final = 100_000
_DECISIONS: Final = ("<=", "==")
_ABSENT: Final = ("None", "Zero", "NaN")


def from_text(raw: bytes) -> dict[str, Array]:
    """The numbers of a model in text, by name.

    ``trees/N/structure`` has a row per inner node: feature, kind of decision, left and right child (below 0: a leaf, counted
    -1, -2...). ``trees/N/threshold`` and ``trees/N/leaf_value`` are float64 (linear trees: ``leaf_const``, ``leaf_coeff``,
    too). Gains, counts and weights describe the training and decide no prediction: they are left out.

    Raises:
        Refused: it is no such text, or parts of it contradict each other.
    """
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Refused("it is no text in UTF-8") from error
    if lines[0].strip() != "tree" or "end of trees" not in lines:
        raise Refused("it is no LightGBM model, or not all of one")
    found: dict[str, Array] = {}
    for number, section in enumerate(_sections(lines[1 : lines.index("end of trees")])):
        if number == 0:
            found |= _header(section)
            continue
        if number > _MAX_TREES or section.get("Tree") != str(number - 1):
            raise Refused(f"its trees are too many or out of order at {number - 1}")
        found |= {f"trees/{number - 1}/{key}": array for key, array in _tree(section, number - 1).items()}
    return found


def _sections(lines: list[str]) -> Iterator[dict[str, str]]:
    section: dict[str, str] = {}
    for line in lines:
        key, separator, value = line.strip().partition("=")
        if key == "Tree" and separator:
            yield section
            section = {}
        if not key:
            continue
        if key in section:
            raise Refused(f"it says {key[:100]!r} twice in one place")
        section[key] = value
    yield section


def _header(section: dict[str, str]) -> dict[str, Array]:
    sizes = [section.get(key, "") for key in _HEADER]
    # average_output, a line without value, is what a random forest has.
    words = [section.get("objective", "").encode(), b"average_output" if "average_output" in section else b""]
    return {
        "sizes": numbers(sizes, "int64", "header"),
        "objective": np.array([word[:64] for word in words], dtype="S64"),
    }


def _tree(section: dict[str, str], number: int) -> dict[str, Array]:
    def read(key: str, dtype: str) -> Array:
        return numbers(section.get(key, "").split(), dtype, f"tree {number}'s {key}")

    links = [read(key, "int64") for key in _INTEGERS]
    found: dict[str, Array] = {
        key: read(key, "float64") for key in _FLOATS if key in section or key in {"threshold", "leaf_value"}
    }
    inner = {len(found["threshold"]), *map(len, links)}
    leaves = read("num_leaves", "int64").tolist()
    if len(inner) != 1 or leaves != [len(found["leaf_value"])] or leaves[0] != max(inner) + 1:
        raise Refused(f"its tree {number} has lists of different lengths")
    found |= {key: read(key, "int64") for key in _MORE_INTEGERS if section.get(key)}
    return {"structure": np.stack(links, axis=1)} | found


def from_json(model: dict[str, Any]) -> dict[str, Array]:
    """The numbers of a model in JSON, by name; rows of ``structure`` follow a walk that meets a node before its children.

    A row holds the feature, the kind of decision (0: at most, 1: one of), whether missing values go left, how missing values
    are known (0: not, 1: zero, 2: NaN), and the number of nodes that the left branch has.

    Raises:
        Refused: it is no such model.
    """
    trees = model.get("tree_info")
    if not isinstance(trees, list) or len(trees) > _MAX_TREES:
        raise Refused("it is no LightGBM model: it has no list of trees")
    sizes = [model.get(key) for key in _HEADER]
    objective = str(model.get("objective", "")).encode()[:64]
    found = {"sizes": numbers(sizes, "int64", "header"), "objective": np.array([objective, b""], dtype="S64")}
    for number, tree in enumerate(trees):
        if not isinstance(tree, dict):
            raise Refused(f"its tree {number} is no object")
        found |= {f"trees/{number}/{key}": array for key, array in _nested(tree, number).items()}
    return found


def _nested(tree: dict[str, Any], number: int) -> dict[str, Array]:
    """Steps: 1 nodes in order, a parent before its children; 2 how many are below each, from the last to the first."""
    nodes: list[tuple[dict[str, Any], int]] = []
    pending: list[tuple[Any, int]] = [(tree.get("tree_structure"), -1)]
    while pending:
        node, parent = pending.pop()
        if not isinstance(node, dict):
            raise Refused(f"its tree {number} lacks a node")
        nodes.append((node, parent))
        if "left_child" in node or "right_child" in node:
            place = len(nodes) - 1
            pending += [(node.get("right_child"), place), (node.get("left_child"), place)]
    below = [1] * len(nodes)
    for place in range(len(nodes) - 1, 0, -1):
        below[nodes[place][1]] += below[place]
    inner = [(place, node) for place, (node, _) in enumerate(nodes) if "left_child" in node or "right_child" in node]
    leaves = [node for node, _ in nodes if "left_child" not in node and "right_child" not in node]
    rows = [_row(node, below[place + 1], number) for place, node in inner]
    thresholds, categories = _thresholds([node for _, node in inner])
    found = {
        "structure": numbers([cell for row in rows for cell in row], "int64", f"tree {number}").reshape(-1, 5),
        "threshold": numbers(thresholds, "float64", f"tree {number}'s thresholds"),
        "leaf_value": numbers([leaf.get("leaf_value") for leaf in leaves], "float64", f"tree {number}'s leaves"),
    }
    if categories:
        found["categories"] = numbers(categories, "int64", f"tree {number}'s categories")
    if any("leaf_const" in leaf for leaf in leaves):
        constants, coefficients, features = _linear(leaves, number)
        found["leaf_const"] = numbers(constants, "float64", f"tree {number}'s leaf_const")
        found["leaf_coeff"] = numbers(coefficients, "float64", f"tree {number}'s leaf_coeff")
        found["leaf_features"] = numbers(features, "int64", f"tree {number}'s leaf_features")
    return found


def _row(node: dict[str, Any], below_left: int, number: int) -> list[int]:
    decision, absent, feature = node.get("decision_type"), node.get("missing_type"), node.get("split_feature")
    if decision not in _DECISIONS or absent not in _ABSENT or type(feature) is not int:
        raise Refused(f"its tree {number} has a split of an unknown kind")
    return [feature, _DECISIONS.index(decision), int(node.get("default_left") is True), _ABSENT.index(absent), below_left]


def _thresholds(inner: list[dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Numbers to compare with; where a split asks for one of several categories, 0, and their number and names apart."""
    thresholds: list[Any] = []
    categories: list[Any] = []
    for node in inner:
        if node.get("decision_type") == "==":
            named = str(node.get("threshold")).split("||")
            categories += [len(named), *named]
            thresholds.append(0.0)
        else:
            thresholds.append(node.get("threshold"))
    return thresholds, categories


def _linear(leaves: list[dict[str, Any]], number: int) -> tuple[list[Any], list[Any], list[Any]]:
    """The constants, the coefficients, and per leaf the number of its features and which they are."""
    coefficients: list[Any] = []
    features: list[Any] = []
    for leaf in leaves:
        own, named = leaf.get("leaf_coeff", []), leaf.get("leaf_features", [])
        if not isinstance(own, list) or not isinstance(named, list) or len(own) != len(named):
            raise Refused(f"its tree {number} has a linear leaf without as many features as coefficients")
        coefficients += own
        features += [len(named), *named]
    return [leaf.get("leaf_const") for leaf in leaves], coefficients, features
