"""Which of the bands that repeat runs taught count between two machines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from auditor.compare.patterns import literals
from auditor.model.band import Band, Calibration, Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The bands that count for one comparison, each with whether its mean is about the very run that is compared."""

    bands: tuple[tuple[Band, bool], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.bands)

    def find(self, kind: str, name: str) -> tuple[Band, bool] | None:
        """The band of the most specific pattern that matches; one about the run itself comes first."""
        found = [(band, own) for band, own in self.bands if band.kind == kind and fnmatchcase(name, band.pattern)]
        return max(found, key=lambda one: (one[1], literals(one[0].pattern), one[0].n, one[0].of), default=None)


NOTHING_KNOWN: Final = Known()


def counting(
    calibrations: Iterable[Calibration], machines: Sequence[Machine | None], *, run: str | None, today: dt.date
) -> Known:
    """The bands that count between two machines (None for one that nobody knows) on a day.

    A band counts when it was learned between these two executor classes, in any order, with these numeric stacks, and has
    not expired. ``run`` is the digest of the manifest whose claims are compared.
    """
    pair = sorted((machine.class_, machine.stack) for machine in machines if machine is not None)
    return Known(
        bands=tuple(
            (band, run in calibration.runs)
            for calibration in calibrations
            if sorted((machine.class_, machine.stack) for machine in calibration.executors) == pair
            and not expired(calibration, today)
            for band in calibration.bands
        )
    )


def expired(calibration: Calibration, today: dt.date) -> bool:
    """Whether its last day has gone by."""
    return calibration.expires is not None and dt.date.fromisoformat(calibration.expires) < today
