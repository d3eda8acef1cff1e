"""Reads the trace of a run: one line a step, with digests of what each stage of the step worked on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from auditor import digest
from auditor.compare.errors import Refused

NAME: Final = "trace.jsonl"
_LIMIT: Final = 1 << 30
_LINE: Final = 1 << 20


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One step: the rows it saw (``batch``), by which hyperparameters, what it measured, and further digests by stage.

    A figure that is not finite is text. ``resumed`` marks the first step after an interruption.
    """

    step: int
    batch: str
    size: int = 0
    hyperparameters: dict[str, float] = {}
    metrics: dict[str, float | str] = {}
    digests: dict[str, str] = {}
    resumed: bool = False


_DECODER: Final = msgspec.json.Decoder(Line)


def read_trace(path: Path) -> tuple[Line, ...]:
    """The lines of a trace, one step after the other.

    Raises:
        Refused: it is too large, a line is none, or steps are missing, repeated or out of order.
    """
    if not path.is_file() or path.stat().st_size > _LIMIT:
        raise Refused(f"a trace is a file of at most {_LIMIT >> 30} GiB")
    lines: list[Line] = []
    with path.open("rb") as stream:
        number = 0
        while raw := stream.readline(_LINE):
            number += 1
            try:
                line = _DECODER.decode(raw)
            except (msgspec.DecodeError, RecursionError) as error:
                raise Refused(f"line {number} of the trace cannot be read: {error}") from None
            if lines and line.step != lines[-1].step + 1:
                raise Refused(f"the trace has a gap: step {lines[-1].step} is followed by step {line.step}")
            lines.append(line)
    return tuple(lines)


def between(lines: Sequence[Line], after: int, to: int) -> Sequence[Line]:
    """The lines of the steps ``after + 1`` to ``to``.

    Raises:
        Refused: the trace lacks one of them.
    """
    first = lines[0].step if lines else 0
    found = lines[max(after + 1 - first, 0) : max(to + 1 - first, 0)]
    if len(found) != to - after or (found and found[0].step != after + 1):
        raise Refused(f"the trace lacks steps between {after} and {to}")
    return found


def batches(lines: Sequence[Line]) -> str:
    """Digest of the rows that the steps saw, in order."""
    return digest.of_value([line.batch for line in lines])


def hyperparameters(lines: Sequence[Line]) -> str:
    """Digest of the hyperparameters of the steps, batch sizes among them."""
    return digest.of_value([[line.size, line.hyperparameters] for line in lines])


def metrics(lines: Sequence[Line]) -> str:
    """Digest of what the steps measured."""
    return digest.of_value([line.metrics for line in lines])


def chain(lines: Sequence[Line]) -> list[str]:
    """A digest for each step that covers all steps up to it: once two chains differ they stay different."""
    known, found = "", []
    for line in lines:
        known = digest.of_value([known, msgspec.to_builtins(msgspec.structs.replace(line, resumed=False))])
        found.append(known)
    return found
