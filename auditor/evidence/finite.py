"""Looks for elements that are no numbers in files of tensors, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.compare.errors import Pickled, Refused
from auditor.errors import AuditorError
from auditor.evidence.unanswered import Inconclusive, NotApplicable


@dataclass(frozen=True, slots=True, kw_only=True)
class NonFinite:
    """One tensor with ``nan`` elements that are NaN and ``infinite`` ones, of ``elements``."""

    tensor: str
    nan: int
    infinite: int
    elements: int


def non_finite(path: Path) -> list[NonFinite]:
    """The floating-point tensors of a file that hold NaN or infinity, in the file's order.

    Raises:
        NotApplicable: a pickle, or a format without a reader of tensors.
        Inconclusive: the file is not what its format allows.
    """
    import numpy as np  # noqa: PLC0415  (only tensors need it)

    from auditor.compare.tensors import open_tensors  # noqa: PLC0415  (the same)

    found = []
    try:
        with open_tensors(path) as file:
            for name, info in file.tensors.items():
                if not _floating(info.dtype):
                    continue
                nan = infinite = 0
                for block in file.blocks(name):
                    nan += int(np.count_nonzero(np.isnan(block)))
                    infinite += int(np.count_nonzero(np.isinf(block)))
                if nan or infinite:
                    found.append(NonFinite(tensor=name, nan=nan, infinite=infinite, elements=info.elements))
    except Pickled as error:
        raise NotApplicable(error.message) from None
    except Refused as error:
        raise Inconclusive(f"its tensors cannot be read: {error.message}") from None
    except AuditorError as error:
        raise NotApplicable(error.message) from None
    return found


def _floating(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex"))
