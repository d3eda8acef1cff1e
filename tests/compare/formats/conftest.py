from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from auditor.compare.tensors import open_tensors
from auditor.compare.weights import compare_weights
from auditor.model.comparison import Tolerance
from auditor.model.words import Agreement

_LOOSE = Tolerance(absolute=1e-6, relative=1e-5)


def whole(path, name, elements=7):
    """All elements of a tensor, read in small blocks; and the same when read at once."""
    with open_tensors(path) as file:
        small = [block.copy() for block in file.blocks(name, elements)]
        large = [block.copy() for block in file.blocks(name)]
        info = file.tensors[name]
    assert all(len(block) == elements for block in small[:-1])
    joined = np.concatenate(small) if small else np.empty(0)
    assert len(joined) == info.elements
    if large:
        assert np.array_equal(joined.view(np.uint8), np.concatenate(large).view(np.uint8))
    return joined


def tensors(path):
    with open_tensors(path) as file:
        return dict(file.tensors)


def compared(expected, actual, tolerance=_LOOSE):
    """Agreement by tensor name."""
    results = compare_weights(expected, actual, of="m", tolerance_for=lambda _n, _d: tolerance)
    return {result.of.removeprefix("tensor:m#"): result for result in results}


def diverged(expected, actual, tolerance=_LOOSE):
    """The names of what diverged."""
    return {name for name, result in compared(expected, actual, tolerance).items() if result.agreement is Agreement.DIVERGED}


def same(expected, actual):
    """Whether everything that counts is bitwise equal."""
    kinds = {result.agreement for result in compared(expected, actual, Tolerance()).values()}
    return kinds - {Agreement.NOT_EXERCISED} == {Agreement.BITWISE}


@pytest.fixture
def look():
    return SimpleNamespace(whole=whole, tensors=tensors, compared=compared, diverged=diverged, same=same)
