"""Compares two files of tensors, tensor by tensor, in bounded memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from auditor.compare.elementwise import Elementwise, relative_l2
from auditor.compare.errors import Refused
from auditor.compare.tensors import BLOCK, Array, TensorFile, TensorInfo, open_tensors
from auditor.errors import UndecidableError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.words import Agreement

# Two files that store one tensor in opposite index orders cannot be streamed side by side: such a tensor is read whole.
_WHOLE: Final = 1 << 26


def compare_weights(
    expected: Path,
    actual: Path,
    *,
    of: str,
    tolerance_for: Callable[[str, str], Tolerance],
    elements: int = BLOCK,
) -> tuple[Comparison, ...]:
    """One comparison per tensor name of either file, as ``tensor:{of}#NAME``, in the files' order.

    A tensor agrees when names, shape and dtype are equal and *every* element is within its tolerance, NaN and infinity
    never. ``excess`` is the largest over all elements and None where it is infinite (a difference where none is allowed);
    ``detectable`` the smallest difference that an element was allowed; ``expected`` and ``actual`` stand at the worst place.
    A tensor without elements says nothing alone: a file that holds nothing else is ``not-exercised``.

    Args:
        expected: npy, npz or safetensors, and ``actual`` likewise; the formats may differ.
        actual: the other file.
        of: what to call the file in the report.
        tolerance_for: gives the tolerance for a tensor's name and dtype.
        elements: per block. Decides memory, never the result.

    Raises:
        EmptySelectionError, Refused, UndecidableError: see :func:`auditor.compare.tensors.open_tensors`.
    """
    with ExitStack() as stack:
        left = stack.enter_context(_open(expected, "expected"))
        right = stack.enter_context(_open(actual, "actual"))
        shared = [name for name in left.tensors if name in right.tensors]
        results = [*_renamed(left, right, of)]
        for name in shared:
            tolerance = tolerance_for(name, left.tensors[name].dtype)
            results.append(_compare(_Pair(left, right, name), f"tensor:{of}#{name}", tolerance, elements))
    if not results:
        note = "neither file holds any tensor"
        return (Comparison(of=f"tensor:{of}#", agreement=Agreement.NOT_EXERCISED, note=note),)
    return _with_empty_ones(results)


def _open(path: Path, side: str) -> TensorFile:
    try:
        return open_tensors(path)
    except (Refused, UndecidableError) as error:
        raise type(error)(f"the {side} file: {error.message}", hint=error.hint) from error


def _compare(pair: _Pair, of: str, tolerance: Tolerance, elements: int) -> Comparison:
    """Steps: 1 dtype and shape, 2 something to compare, 3 readable side by side, 4 every element, 5 the figures."""
    expected, actual = pair.infos
    for what, one, other in (("dtype", expected.dtype, actual.dtype), ("shape", [*expected.shape], [*actual.shape])):
        if one != other:
            note = f"the {what} changed from {one} to {other}"
            return Comparison(
                of=of, agreement=Agreement.DIVERGED, expected=one, actual=other, tolerance=tolerance, note=note
            )
    if not expected.elements:
        return Comparison(of=of, agreement=Agreement.NOT_EXERCISED, tolerance=tolerance, note="it has no elements")
    if expected.fortran != actual.fortran and expected.nbytes > _WHOLE:
        note = f"its {expected.nbytes} bytes are stored in opposite index orders; store both with numpy.ascontiguousarray"
        return Comparison(of=of, agreement=Agreement.INCONCLUSIVE, tolerance=tolerance, note=note)
    judge = Elementwise(tolerance)
    for left, right in pair.blocks(elements):
        judge.update(left, right)
    if not judge.differing and judge.agrees:
        return _result(of, judge, Agreement.BITWISE, None)
    # A second reading, always in blocks of one size: the digits that are printed must not depend on the caller's.
    apart = relative_l2(pair.blocks(BLOCK)) if _is_numeric(expected) and not judge.not_finite else None
    agreement = Agreement.WITHIN_TOLERANCE if judge.agrees else Agreement.DIVERGED
    return _result(of, judge, agreement, _words(judge, expected, apart))


@dataclass(frozen=True, slots=True)
class _Pair:
    """One tensor of two files."""

    left: TensorFile
    right: TensorFile
    name: str

    @property
    def infos(self) -> tuple[TensorInfo, TensorInfo]:
        return self.left.tensors[self.name], self.right.tensors[self.name]

    def blocks(self, elements: int) -> Iterator[tuple[Array, Array]]:
        expected, actual = self.infos
        if expected.fortran == actual.fortran:
            yield from zip(self.left.blocks(self.name, elements), self.right.blocks(self.name, elements), strict=True)
            return
        one, other = _whole(self.left, self.name), _whole(self.right, self.name)
        for start in range(0, len(one), elements):
            yield one[start : start + elements], other[start : start + elements]


def _whole(file: TensorFile, name: str) -> Array:
    """All elements, last index fastest."""
    info = file.tensors[name]
    flat = np.concatenate([block.copy() for block in file.blocks(name)])
    return flat.reshape(info.shape, order="F").ravel(order="C") if info.fortran else flat


def _result(of: str, judge: Elementwise, agreement: Agreement, note: str | None) -> Comparison:
    expected, actual = judge.worst_values or (None, None)
    detectable = judge.smallest_allowed
    return Comparison(
        of=of,
        agreement=agreement,
        expected=_plain(expected),
        actual=_plain(actual),
        tolerance=judge.tolerance,
        excess=judge.excess,
        detectable=detectable if math.isfinite(detectable) else None,
        note=note,
    )


def _words(judge: Elementwise, info: TensorInfo, apart: float | None) -> str:
    parts = []
    if judge.first_not_finite is not None:
        place = _place(judge.first_not_finite, info)
        parts.append(
            f"NaN or infinity in {judge.not_finite} of {judge.compared} elements, first at {place}: never agreement"
        )
    if judge.first is not None and judge.worst is not None:
        parts.append(f"{judge.differing} of {judge.compared} elements differ, {judge.beyond} beyond tolerance")
        parts.append(f"first at {_place(judge.first, info)}, worst at {_place(judge.worst, info)}")
        if _is_numeric(info):
            parts.append(f"max abs {judge.largest:.3g}")
    if apart is not None:
        parts.append(f"relative L2 {apart:.3g}")
    return "; ".join(parts)


def _place(flat: int, info: TensorInfo) -> str:
    place = []
    for extent in info.shape if info.fortran else reversed(info.shape):
        flat, index = divmod(flat, extent)
        place.append(index)
    return str(place if info.fortran else place[::-1])


def _is_numeric(info: TensorInfo) -> bool:
    return info.dtype == "bool" or info.dtype.startswith(
        ("int", "uint", "float", "bfloat", "complex", "longdouble", "clong")
    )


def _plain(value: Any) -> Any:
    """The value as JSON can hold it: numbers that are none, complex numbers and bytes as text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case _:
            return str(value)


def _renamed(left: TensorFile, right: TensorFile, of: str) -> Iterator[Comparison]:
    """Names of one file alone; where the same bytes stand under a name of the other file alone, that is said."""
    removed = {name: info for name, info in left.tensors.items() if name not in right.tensors}
    added = {name: info for name, info in right.tensors.items() if name not in left.tensors}
    sizes = {_form(info) for info in removed.values()} & {_form(info) for info in added.values()}
    content = {_content(right, info): name for name, info in added.items() if _form(info) in sizes}
    old_names = {}
    for name, info in removed.items():
        new = content.get(_content(left, info)) if _form(info) in sizes else None
        if new is not None:
            old_names[new] = name
        note = "it is missing" if new is None else f"it is missing; the same bytes are now called {new}"
        yield Comparison(of=f"tensor:{of}#{name}", agreement=Agreement.DIVERGED, note=note)
    for name in added:
        note = f"it is a new name for {old_names[name]}" if name in old_names else "it was not expected"
        yield Comparison(of=f"tensor:{of}#{name}", agreement=Agreement.DIVERGED, note=note)


def _form(info: TensorInfo) -> tuple[str, tuple[int, ...], bool]:
    return info.dtype, info.shape, info.fortran


def _content(file: TensorFile, info: TensorInfo) -> tuple[object, ...]:
    state = hashlib.sha256()
    for block in file.blocks(info.name):
        state.update(block.view(np.uint8).data)
    return (*_form(info), state.digest())


def _with_empty_ones(results: list[Comparison]) -> tuple[Comparison, ...]:
    """Tensors without elements agree in shape and dtype, which counts only beside a tensor whose elements were compared."""
    if all(result.agreement is Agreement.NOT_EXERCISED for result in results):
        return tuple(results)
    note = "it has no elements: shape and dtype agree"
    return tuple(
        Comparison(of=result.of, agreement=Agreement.BITWISE, tolerance=result.tolerance, note=note)
        if result.agreement is Agreement.NOT_EXERCISED
        else result
        for result in results
    )
