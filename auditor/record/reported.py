"""What a command said about itself through the Python interface while it was being recorded."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from auditor.record.outputs import Written, claim

_LARGEST: Final = 16 << 20
NAME: Final = "reported"


@dataclass(slots=True, kw_only=True)
class Figure:
    """One figure that was handed over; of several with one name the last counts."""

    value: float
    step: int | None = None
    split: str | None = None


@dataclass(slots=True, kw_only=True)
class Reported:
    """``figures`` by name; ``file`` is where the command wrote them itself."""

    figures: dict[str, Figure] = field(default_factory=dict)
    file: str | None = None


def read(folder: Path) -> Reported:
    """What lies in the folder of a recording. It comes from the command: lines that are none of ours are passed over."""
    found = Reported()
    try:
        with (folder / NAME).open("rb") as stream:
            lines = stream.read(_LARGEST).splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            entry = json.loads(line)
            if "file" in entry:
                found.file = str(entry["file"])
            else:
                step, split = entry.get("step"), entry.get("split")
                found.figures[str(entry["metric"])] = Figure(
                    value=float(entry["value"]),
                    step=step if isinstance(step, int) and step >= 0 else None,
                    split=str(split) if split else None,
                )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return found


def add(written: Written, reported: Reported) -> None:
    """Adds the figures to what was collected; one that stands in the metrics file, too, gains its step and split."""
    places = {metric.name: index for index, metric in enumerate(written.metrics)}
    for name, figure in reported.figures.items():
        if name not in places:
            claim(written, name, figure.value, step=figure.step, split=figure.split)
            continue
        known = written.metrics[places[name]]
        if known.value is not None and math.isclose(known.value, figure.value, rel_tol=1e-12):
            written.metrics[places[name]] = msgspec.structs.replace(
                known, step=known.step if known.step is not None else figure.step, split=figure.split or known.split
            )
        else:
            written.problems.append(f"metric {name} was reported as {figure.value}, the metrics file says {known.value}")
    if reported.figures:
        written.unavailable.pop("/metrics", None)
