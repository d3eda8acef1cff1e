"""Reads two tensors side by side: stored as they are on both cores and in bounded memory, anything else block by block."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final

import numpy as np

from auditor.compare.elementwise import Elementwise
from auditor.compare.kernels import TILE, Array, Scratch, tiles
from auditor.compare.tensors import BLOCK, TensorFile, TensorInfo
from auditor.compare.tensors.base import Raw
from auditor.errors import UndecidableError
from auditor.model.comparison import Tolerance

# Two files that store one tensor in opposite index orders cannot be streamed side by side: such a tensor is read whole.
WHOLE: Final = 1 << 26
_SPAN: Final = 64 * TILE
_AHEAD: Final = 16
_MOST_WORKERS: Final = 4
_WORTH_WORKERS: Final = 1 << 27


@dataclass(frozen=True, slots=True)
class Pair:
    """One tensor of two files, of one dtype and shape."""

    left: TensorFile
    right: TensorFile
    name: str

    @property
    def infos(self) -> tuple[TensorInfo, TensorInfo]:
        """What both files declare."""
        return self.left.tensors[self.name], self.right.tensors[self.name]

    @property
    def readable(self) -> bool:
        """Whether the two can be streamed side by side, or are small enough to be turned."""
        expected, actual = self.infos
        return expected.fortran == actual.fortran or expected.nbytes <= WHOLE

    def tiles(self, elements: int = BLOCK) -> Iterator[tuple[Array, Array]]:
        """Both tensors' elements in the expected one's stored order, or in C order where the two differ."""
        expected, actual = self.infos
        if expected.fortran == actual.fortran:
            one, other = (file.blocks(self.name, elements) for file in (self.left, self.right))
            yield from zip(tiles(one), tiles(other), strict=True)
        else:
            yield from zip(tiles([_whole(self.left, self.name)]), tiles([_whole(self.right, self.name)]), strict=True)

    def raw(self) -> tuple[Raw, Raw] | None:
        """Where the same number of stored bytes lies in both files, if they can be read as they are."""
        left, right = self.left.raw(self.name), self.right.raw(self.name)
        expected, actual = self.infos
        if left is None or right is None or left.dtype != right.dtype or expected.fortran != actual.fortran:
            return None
        return left, right


class Judges:
    """Judges pairs of tensors, large ones in several processes; the answers are those of one.

    Python threads would wait for each other after every operation on a tile.

    Args:
        workers: how many processes; None is one per core that this process may use, at most four.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers
        self._scratch = Scratch()

    def judge(self, work: Sequence[Task], elements: int = BLOCK) -> Iterator[Elementwise]:
        """The verdict over all elements of each pair, in order.

        Raises:
            Refused: a file does not hold what it declares.
            UndecidableError: a process was ended from outside.
        """
        pool = self._pool(work)
        if pool is None:
            for task in work:
                yield _merged(part() for part in self._parts(task, elements))
            return
        with pool:
            try:
                yield from self._ahead(pool, work, elements)
            except BrokenProcessPool as error:
                raise UndecidableError("a process that compared a part of it was ended from outside") from error
            finally:
                pool.shutdown(cancel_futures=True)

    def _pool(self, work: Sequence[Task]) -> ProcessPoolExecutor | None:
        """Processes that hold the same files open; None where they are not worth it or the system has no safe way to."""
        workers = min(_MOST_WORKERS, _cores()) if self._workers is None else self._workers
        worth = self._workers is not None or sum(task.pair.infos[0].nbytes for task in work) >= _WORTH_WORKERS
        # A fork copies locks that other threads may hold, and macOS's own libraries do not survive one.
        if workers < 2 or not worth or sys.platform != "linux" or threading.active_count() > 1:
            return None
        try:
            return ProcessPoolExecutor(workers, get_context("fork"), _inherit, (list(work),))
        except (OSError, NotImplementedError, ImportError):  # no semaphores here
            return None

    def _ahead(self, pool: ProcessPoolExecutor, work: Sequence[Task], elements: int) -> Iterator[Elementwise]:
        """A few parts are under way at a time, also of tensors whose turn has not come."""
        parts = self._bundled(pool, work, elements)
        waiting = deque(islice(parts, _AHEAD * _MOST_WORKERS))
        for number in range(len(work)):
            yield _merged(_following(waiting, parts, number))

    def _parts(self, task: Task, elements: int) -> Iterator[Callable[[], Elementwise]]:
        """What to call for the verdict, all of it here."""
        if task.pair.raw() is None:
            yield partial(task.through_readers, elements, self._scratch)
        else:
            yield partial(task.as_stored, range(0, task.pair.infos[0].elements, TILE), self._scratch)

    def _bundled(
        self, pool: ProcessPoolExecutor, work: Sequence[Task], elements: int
    ) -> Iterator[tuple[int, Callable[[], Elementwise]]]:
        """What to call for the verdicts over consecutive ranges, by the tensor's number; small ones go out together.

        Where only a reader can read, there is one range, and it is read here.
        """
        bundle: list[tuple[int, range]] = []
        size = 0
        for number, task in enumerate(work):
            count = task.pair.infos[0].elements
            if task.pair.raw() is None:
                yield from _sent(pool, bundle)
                bundle, size = [], 0
                yield number, partial(task.through_readers, elements, self._scratch)
                continue
            for start in range(0, count, _SPAN):
                bundle.append((number, range(start, min(start + _SPAN, count), TILE)))
                size += min(_SPAN, count - start)
                if size >= _SPAN:
                    yield from _sent(pool, bundle)
                    bundle, size = [], 0
        yield from _sent(pool, bundle)


def _sent(pool: ProcessPoolExecutor, bundle: list[tuple[int, range]]) -> Iterator[tuple[int, Callable[[], Elementwise]]]:
    """Have another process judge these ranges."""
    if bundle:
        future = pool.submit(_judge_inherited, bundle)
        for at, (number, _) in enumerate(bundle):
            yield number, partial(_picked, future, at)


def _picked(future: Future[list[Elementwise]], at: int) -> Elementwise:
    return future.result()[at]


@dataclass(frozen=True, slots=True)
class Task:
    """A pair to be judged, and whether every tile of it is to be measured, too."""

    pair: Pair
    tolerance: Tolerance
    full: bool = False

    def through_readers(self, elements: int, scratch: Scratch) -> Elementwise:
        """The verdict over everything, from what the files' readers give."""
        state = self._state(0, scratch)
        for expected, actual in self.pair.tiles(elements):
            state.update(expected, actual)
        return state

    def as_stored(self, places: range, scratch: Scratch) -> Elementwise:
        """The verdict over the tiles that begin at these places, from the files themselves."""
        raw, info = self.pair.raw(), self.pair.infos[0]
        assert raw is not None  # noqa: S101 - the caller has looked
        state = self._state(places.start, scratch)
        size, last = raw[0].dtype.itemsize, 0
        sides: list[tuple[Raw, Array, memoryview]] = []
        with np.errstate(all="ignore"):
            for start in places:
                count = min(places.step, info.elements - start)
                if count != last:
                    sides, last = _buffers(raw, count, scratch), count
                for place, _, view in sides:
                    place.source.read_into(view, place.offset + start * size)
                (_, expected, _), (_, actual, _) = sides
                if info.dtype == "bfloat16":
                    expected = _widened(expected, "expected", scratch)
                    actual = _widened(actual, "actual", scratch)
                state.judge(expected, actual)
        return state

    def _state(self, start: int, scratch: Scratch) -> Elementwise:
        info = self.pair.infos[0]
        shift = ulp_shift(info.dtype)
        return Elementwise(
            self.tolerance, start=start, total=info.elements, full=self.full, ulp_shift=shift, scratch=scratch
        )


_inherited: list[Task] = []
_inherited_scratch: Final = Scratch()


def _inherit(work: list[Task]) -> None:
    """In a new process: keep what the old one has opened."""
    _inherited[:] = work


def _judge_inherited(bundle: list[tuple[int, range]]) -> list[Elementwise]:
    return [_inherited[number].as_stored(places, _inherited_scratch) for number, places in bundle]


def _following(
    waiting: deque[tuple[int, Callable[[], Elementwise]]],
    parts: Iterator[tuple[int, Callable[[], Elementwise]]],
    number: int,
) -> Iterator[Elementwise]:
    """What the parts of one tensor found, each replaced by a later part in the queue."""
    while waiting and waiting[0][0] == number:
        result = waiting.popleft()[1]()
        waiting.extend(islice(parts, 1))
        yield result


def _merged(parts: Iterator[Elementwise]) -> Elementwise:
    state = next(parts)
    for part in parts:
        state.merge(part)
    return state


def ulp_shift(dtype: str) -> int | None:
    """How many trailing bits of a float32 a dtype lacks; None where blocks do not show its representable values."""
    if dtype.startswith("float8"):
        return None
    return 16 if dtype == "bfloat16" else 0


def _buffers(raw: tuple[Raw, Raw], count: int, scratch: Scratch) -> list[tuple[Raw, Array, memoryview]]:
    """For each side where to read, the elements, and the bytes of these elements."""
    blocks = [scratch.of(side, place.dtype, count) for side, place in zip(("expected", "actual"), raw, strict=True)]
    return [(place, block, block.view(np.uint8).data) for place, block in zip(raw, blocks, strict=True)]


def _widened(block: Array, side: str, scratch: Scratch) -> Array:
    wide = scratch.of(f"{side}, widened", np.dtype(np.uint32), len(block))
    wide[:] = block
    result: Array = np.left_shift(wide, 16, out=wide).view(np.float32)
    return result


def _whole(file: TensorFile, name: str) -> Array:
    """All elements, last index fastest."""
    info = file.tensors[name]
    flat = np.concatenate([block.copy() for block in file.blocks(name)])
    whole: Array = flat.reshape(info.shape, order="F").ravel(order="C") if info.fortran else flat
    return whole


def _cores() -> int:
    affinity: Any = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
