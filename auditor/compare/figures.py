"""Says in words how two tensors differ: where, how far, and over how many representable values."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.compare.tensors import TensorInfo
from auditor.compare.verdict import Verdict


def figures(judge: Verdict, info: TensorInfo) -> Iterator[str]:
    """One phrase per figure of a tensor that differs or is not finite. None of them decides anything."""
    if judge.first_not_finite is not None:
        yield (
            f"NaN or infinity in {judge.not_finite} of {judge.compared} elements, "
            f"first at {place(judge.first_not_finite, info)}: never agreement"
        )
        yield f"NaN expected {judge.nans[0]} times, found {judge.nans[1]} times"
    if judge.first is not None and judge.worst is not None:
        yield f"{judge.differing} of {judge.compared} elements differ, {judge.beyond} beyond tolerance"
        yield f"first at {place(judge.first, info)}, worst at {place(judge.worst, info)}"
        if is_numeric(info):
            yield f"max abs {judge.largest:.3g}"
            if judge.measured < judge.compared:
                yield f"measured in {judge.measured} elements"
            yield f"max rel {judge.relative:.3g}"
    if is_numeric(info) and not judge.not_finite:
        if judge.relative_l2 is not None:
            yield f"relative L2 {judge.relative_l2:.3g}"
        if judge.cosine is not None:
            yield f"cosine {judge.cosine:.6g}"
    if judge.differing and judge.ulps.sum() > judge.ulps[0]:
        yield _histogram(judge)


def place(flat: int, info: TensorInfo) -> str:
    """The indices of an element by its place in stored order."""
    indices = []
    for extent in info.shape if info.fortran else reversed(info.shape):
        flat, index = divmod(flat, extent)
        indices.append(index)
    return str(indices if info.fortran else indices[::-1])


def is_numeric(info: TensorInfo) -> bool:
    """Whether elements have a size and a difference."""
    return info.dtype == "bool" or info.dtype.startswith(
        ("int", "uint", "float", "bfloat", "complex", "longdouble", "clong")
    )


def _histogram(judge: Verdict) -> str:
    """Elements by their distance in units in the last place, each bucket twice as wide as the one before."""
    total = int(judge.ulps.sum())
    parts = []
    for digits in np.flatnonzero(judge.ulps):
        low, high = (1 << (int(digits) - 1), (1 << int(digits)) - 1) if digits else (0, 0)
        name = str(low) if low == high else f"{low}-{high}" if digits < 13 else f"2^{digits - 1}"
        parts.append(f"{name}: {_share(int(judge.ulps[digits]), total)}")
    return f"ULPs {', '.join(parts)}"


def _share(count: int, total: int) -> str:
    """A share of elements in percent, never rounded to nothing."""
    percent = 100 * count / total
    return f"{percent:.1f}%" if percent >= 0.05 else "<0.1%"
