"""Looks at a table of training data column by column: does one of them give the label away, do equal rows disagree?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.compare.tables import number
from auditor.evidence.claimed import ClaimedBytes
from auditor.evidence.overlap import row_digest
from auditor.evidence.tables import Rows, open_rows
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.run import DataSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_CELLS = 20_000_000
_FEWEST_ROWS = 30
_MOST_CLASSES = 20
SUSPICIOUS = 0.99
"""Area under the ROC curve above which a single column separates two classes too well to be a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telltale:
    """A column that gives the label away, and how."""

    column: str
    how: str


def telltales(claimed: ClaimedBytes, data: DataSource) -> list[Telltale]:
    """The feature columns that equal the label, name it under other names, or separate two classes by themselves.

    Raises:
        NotApplicable: the table has no label column, or too few rows to tell.
        Inconclusive: the table is not here.
    """
    with open_rows(claimed, data) as table:
        label, skipped = _label(table, data)
        features = [name for name in table.header if name not in {label, skipped}]
        most = _MOST_CELLS // (len(features) + 1)
        rows = []
        for cells in table.cells(label, *features):
            rows.append(cells)
            if len(rows) >= most:
                break
    if len(rows) < _FEWEST_ROWS or len({cells[0] for cells in rows}) < 2:
        raise NotApplicable(f"{data.name} has too few rows, or a single label, to tell")
    labels, *columns = zip(*rows, strict=True)
    found = ((name, _tells(labels, column)) for name, column in zip(features, columns, strict=True))
    return [Telltale(column=name, how=how) for name, how in found if how is not None]


def contradictions(claimed: ClaimedBytes, data: DataSource) -> tuple[int, int]:
    """How many rows have a twin with equal features and another label, and how many rows there are.

    Raises:
        NotApplicable: the table has no label column, or no feature.
        Inconclusive: the table is not here.
    """
    with open_rows(claimed, data) as table:
        label, skipped = _label(table, data)
        features = [name for name in table.header if name not in {label, skipped}]
        if not features:
            raise NotApplicable(f"{data.name} has no column besides its label")
        seen: dict[bytes, tuple[str, int]] = {}
        torn: dict[bytes, int] = {}
        total = 0
        for first, *rest in table.cells(label, *features):
            total += 1
            key = row_digest(list(rest))
            known, count = seen.get(key, (first, 0))
            seen[key] = (known, count + 1)
            if key in torn or known != first:
                torn[key] = count + 1
    return sum(torn.values()), total


def _label(table: Rows, data: DataSource) -> tuple[str, str | None]:
    columns = data.columns
    label = table.column("label", columns.label if columns is not None else None)
    if label is None:
        raise NotApplicable(f"{data.name} has no label column")
    return label, table.column("id", columns.id if columns is not None else None)


def _tells(labels: tuple[str, ...], column: tuple[str, ...]) -> str | None:
    if labels == column:
        return "it equals the label in every row"
    classes = set(labels)
    if len(classes) <= _MOST_CLASSES:
        pairs = set(zip(labels, column, strict=True))
        if len(pairs) == len(classes) == len(set(column)):
            return "it names the label under other names: each value stands for one label and back"
    values = [number(cell) for cell in column]
    if any(value is None or value != value or abs(value) > 1e300 for value in values):  # noqa: PLR0124  (NaN)
        return None
    import numpy as np  # noqa: PLC0415  (only numbers need it)

    array = np.array([float(value) for value in values if value is not None])
    if len(classes) == 2:
        area = _area(array, np.array([label == max(classes) for label in labels]))
        return f"it alone separates the classes (area under the curve {area:.4f})" if area > SUSPICIOUS else None
    return _multiple(array, labels) if len(classes) > _MOST_CLASSES else None


def _multiple(array: NDArray[Any], labels: tuple[str, ...]) -> str | None:
    """For a label that is a quantity: whether the column is the label in another unit."""
    import numpy as np  # noqa: PLC0415  (see above)

    target = [number(label) for label in labels]
    if any(value is None or value != value or abs(value) > 1e300 for value in target):  # noqa: PLR0124  (NaN)
        return None
    wanted = np.array([float(value) for value in target if value is not None])
    if not array.std() or not wanted.std():
        return None
    # Scaled before they are multiplied: squares of large numbers overflow.
    one, other = array / np.abs(array).max(), wanted / np.abs(wanted).max()
    correlation = abs(float(np.corrcoef(one, other)[0, 1]))
    return "it is the label in another unit" if correlation > 1 - 1e-9 else None


def _area(values: NDArray[Any], positive: NDArray[Any]) -> float:
    """Area under the ROC curve by ranks, ties shared (Mann-Whitney U), whichever direction separates better."""
    import numpy as np  # noqa: PLC0415  (see above)

    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n, m = int(positive.sum()), int((~positive).sum())
    area = float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))
    return max(area, 1 - area)


__all__ = ["Inconclusive", "Telltale", "contradictions", "telltales"]
