"""Compares two files of tensors, tensor by tensor, in bounded memory."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from auditor.compare.elementwise import Elementwise
from auditor.compare.errors import Refused
from auditor.compare.figures import figures, is_numeric, place
from auditor.compare.streams import Judges, Pair, Task
from auditor.compare.tensors import BLOCK, TensorFile, TensorInfo, open_tensors
from auditor.compare.verdict import Verdict, root_of_ratio
from auditor.errors import UndecidableError
from auditor.model.comparison import Comparison, Tolerance
from auditor.model.words import Agreement

_EXACT: Final = Tolerance(source="exact by its kind")


def compare_weights(  # noqa: PLR0913 - two files, what they are called, how they are judged and how they are read
    expected: Path,
    actual: Path,
    *,
    of: str,
    tolerance_for: Callable[[str, str], Tolerance],
    start: Path | None = None,
    elements: int = BLOCK,
    workers: int | None = None,
) -> tuple[Comparison, ...]:
    """One comparison per tensor name of either file, as ``tensor:{of}#NAME``, in the files' order.

    A tensor agrees when names, shape and dtype are equal and *every* element is within its tolerance, NaN and infinity
    never. ``excess`` is the largest over all elements and None where it is infinite (a difference where none is allowed);
    ``detectable`` the smallest difference that an element was allowed; ``expected`` and ``actual`` stand at the worst place.
    The note of a tensor that differs says where and how far, which decides nothing.
    A tensor without elements says nothing alone: a file that holds nothing else is ``not-exercised``.

    Args:
        expected: any format of :mod:`auditor.compare.tensors`, and ``actual`` likewise; the formats may differ.
        actual: the other file.
        of: what to call the file in the report.
        tolerance_for: gives the tolerance for a tensor's name and dtype.
        start: the weights from which training started, if known: a tensor that differs is then also measured against the
            update that was made to it, as rho = ||actual - expected|| / ||expected - start||.
        elements: per block. Decides memory, never the result.
        workers: processes that read and judge; None is what is worth it here. Never decides the result.

    Raises:
        EmptySelectionError, Refused, UndecidableError: see :func:`auditor.compare.tensors.open_tensors`.
    """
    with ExitStack() as stack:
        left = stack.enter_context(_open(expected, "expected"))
        right = stack.enter_context(_open(actual, "actual"))
        origin = stack.enter_context(_open(start, "starting")) if start is not None else None
        results = [*_renamed(left, right, of), *_shared(left, right, of, tolerance_for, origin, Judges(workers), elements)]
        listed = tuple(_listed(left, right, of))
    if not results:
        note = "neither file holds any tensor"
        results = [Comparison(of=f"tensor:{of}#", agreement=Agreement.NOT_EXERCISED, note=note)]
    return *_with_empty_ones(results), *listed


def _open(path: Path, side: str) -> TensorFile:
    try:
        return open_tensors(path)
    except (Refused, UndecidableError) as error:
        raise type(error)(f"the {side} file: {error.message}", hint=error.hint) from error


def _shared(  # noqa: PLR0913, PLR0917 - what the caller was given
    left: TensorFile,
    right: TensorFile,
    of: str,
    tolerance_for: Callable[[str, str], Tolerance],
    origin: TensorFile | None,
    judges: Judges,
    elements: int,
) -> Iterator[Comparison]:
    """Tensors of both files. Steps: 1 what needs no reading, 2 every element of the others, 3 the figures."""
    settled: dict[str, Comparison] = {}
    work: dict[str, Task] = {}
    names = [name for name in left.tensors if name in right.tensors]
    for name in names:
        info, pair = left.tensors[name], Pair(left, right, name)
        tolerance = _EXACT if info.exact else tolerance_for(name, info.dtype)
        found = _unread(pair, f"tensor:{of}#{name}", tolerance)
        if found is None:
            work[name] = Task(pair, tolerance)
        else:
            settled[name] = found
    verdicts = dict(zip(work, judges.judge([*work.values()], elements), strict=True))
    # Whoever is told that a tensor diverged wants every figure to be about all of it: it is read again.
    again = [name for name, judge in verdicts.items() if not judge.agrees and judge.measured < judge.compared]
    verdicts |= zip(again, judges.judge([replace(work[name], full=True) for name in again], elements), strict=True)
    ties = _ties(left, right)
    for name in names:
        if name in settled:
            yield settled[name]
        else:
            rho = _rho(verdicts[name], work[name].pair, origin)
            yield _result(f"tensor:{of}#{name}", verdicts[name], left.tensors[name], rho, ties.get(name))


def _unread(pair: Pair, of: str, tolerance: Tolerance) -> Comparison | None:
    """Steps: 1 dtype and shape, 2 something to compare, 3 readable side by side; None where elements have to decide."""
    expected, actual = pair.infos
    for what, one, other in (("dtype", expected.dtype, actual.dtype), ("shape", [*expected.shape], [*actual.shape])):
        if one != other:
            note = f"the {what} changed from {one} to {other}"
            return Comparison(
                of=of, agreement=Agreement.DIVERGED, expected=one, actual=other, tolerance=tolerance, note=note
            )
    if not expected.elements:
        return Comparison(of=of, agreement=Agreement.NOT_EXERCISED, tolerance=tolerance, note="it has no elements")
    if not pair.readable:
        note = f"its {expected.nbytes} bytes are stored in opposite index orders; store both with numpy.ascontiguousarray"
        return Comparison(of=of, agreement=Agreement.INCONCLUSIVE, tolerance=tolerance, note=note)
    return None


def _rho(judge: Verdict, pair: Pair, origin: TensorFile | None) -> str | None:
    """How far apart two tensors are, in updates that training made: 1 is as wrong as not having trained at all."""
    info = pair.infos[0]
    if origin is None or not judge.differing or judge.not_finite or not is_numeric(info):
        return None
    known = origin.tensors.get(pair.name)
    if known is None or (known.dtype, known.shape) != (info.dtype, info.shape):
        return "no rho: the starting point has no such tensor"
    update = Elementwise(_EXACT, total=info.elements, full=judge.measured == judge.compared, ulp_shift=None)
    moved = Pair(pair.left, origin, pair.name)
    if not moved.readable:
        return "no rho: the starting point is stored in the opposite index order"
    for expected, start in moved.tiles():
        update.update(expected, start)
    rho = root_of_ratio(judge.apart, update.apart)
    return "no rho: training changed nothing in it" if rho is None else f"rho {rho:.3g} of its update in training"


def _result(of: str, judge: Verdict, info: TensorInfo, rho: str | None, tie: str | None) -> Comparison:
    expected, actual = judge.worst_values or (None, None)
    detectable = judge.smallest_allowed
    # No number is worse than any number.
    first = judge.first if judge.first is not None else judge.first_not_finite
    worst = judge.first_not_finite if judge.first_not_finite is not None else judge.worst
    if judge.differing or judge.not_finite:
        agreement = Agreement.WITHIN_TOLERANCE if judge.agrees else Agreement.DIVERGED
        words = [*figures(judge, info), *([rho] if rho is not None else [])]
    else:
        agreement, words = (Agreement.BITWISE, []) if judge.agrees else (Agreement.DIVERGED, [])
    words += [tie] if tie is not None else []
    return Comparison(
        of=of,
        agreement=agreement,
        expected=_plain(expected),
        actual=_plain(actual),
        tolerance=judge.tolerance,
        excess=judge.excess,
        detectable=detectable if math.isfinite(detectable) else None,
        first=None if first is None else place(first, info),
        worst=None if worst is None else place(worst, info),
        note="; ".join(words) or None,
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


def _ties(left: TensorFile, right: TensorFile) -> dict[str, str]:
    """For each name that shares its stored bytes with others in one of the files: with which."""
    old, new = ({name: set(group) for group in file.tied for name in group} for file in (left, right))
    words = {}
    for name in old.keys() | new.keys():
        one, other = old.get(name, {name}), new.get(name, {name})
        if one == other:
            words[name] = f"tied to {_names(one, name)}"
        elif other > one:
            words[name] = f"newly tied to {_names(other - one, name)}"
        else:
            words[name] = f"no longer tied to {_names(one - other, name)}"
    return words


def _names(group: set[str], name: str) -> str:
    return ", ".join(sorted(group - {name}))


def _listed(left: TensorFile, right: TensorFile, of: str) -> Iterator[Comparison]:
    """What a file holds beside tensors: listed, never counted."""
    for name, what in {**left.listed, **right.listed}.items():
        note = f"{what}, which is not compared"
        yield Comparison(of=f"file:{of}#{name}", agreement=Agreement.NOT_EXERCISED, note=note)


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
