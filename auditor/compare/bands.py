"""Reads and writes files of bands, the tolerances that repeat runs taught."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from auditor.compare.statistics.interval import factor
from auditor.errors import UnreadableError
from auditor.manifest.reader import Document, read
from auditor.manifest.validate import violations
from auditor.model.band import Calibration

_AGREED: Final = 5e-3
"""Relative difference up to which a recorded factor counts as the one that follows from n, df and alpha: it is printed."""


def read_bands(raw: bytes, *, source: str) -> Calibration:
    """The bands in the bytes of a file (``schemas/band.v1.schema.json``), YAML or JSON.

    Raises:
        UnreadableError: it is no such file, or contradicts itself; the message says where and how to mend it.
    """
    document = read(raw, source=source)
    for violation in violations(document.value, "band"):
        raise _unreadable(document, violation.pointer, violation.message, violation.fix)
    try:
        found = msgspec.convert(document.value, Calibration)
    except msgspec.ValidationError as error:
        raise _unreadable(document, "", str(error), "write it by `auditor calibrate`") from error
    for pointer, message, fix in _contradictions(found):
        raise _unreadable(document, pointer, message, fix)
    return found


def document(calibration: Calibration) -> dict[str, Any]:
    """What to write to a file so that :func:`read_bands` gives ``calibration`` again; what says nothing is left out."""
    value: dict[str, Any] = msgspec.to_builtins(calibration)
    value["bands"] = [{key: part for key, part in band.items() if part is not None} for band in value["bands"]]
    return {key: part for key, part in value.items() if part not in (None, [], {})}


def _contradictions(found: Calibration) -> Iterator[tuple[str, str, str]]:
    """Steps: 1 days that exist, 2 no quantity twice, 3 a factor that is the one of its n and alpha."""
    for key in ("learned", "expires"):
        day = getattr(found, key)
        try:
            dt.date.fromisoformat(day or "2000-01-01")
        except ValueError:
            yield f"/{key}", f"{day!r} is no day", "write a day that exists, as YYYY-MM-DD"
    seen: set[str] = set()
    for place, band in enumerate(found.bands):
        if band.of in seen:
            yield f"/bands/{place}/of", f"{band.of} has two bands", "keep one of them"
        seen.add(band.of)
        if band.factor is None:
            continue
        # A factor larger than the formula's would let everything pass under the name of statistics.
        due = factor(band.n, alpha=band.level, df=band.df)
        if abs(band.factor - due) > _AGREED * due:
            fix = "leave the factor out, or write what follows from n, df and alpha"
            yield f"/bands/{place}/factor", f"the factor {band.factor:g} is not the {due:.4g} of {band.n} repeats", fix


def _unreadable(about: Document, pointer: str, message: str, fix: str) -> UnreadableError:
    line, column = about.place(pointer) or (None, None)
    where = f"{pointer}: " if pointer else ""
    return UnreadableError(f"{where}{message}", source=about.source, line=line, column=column, hint=fix)
