"""Sends an untrained model of zeros through the policy's tolerance for tensors: one that accepts it can reject nothing."""

from __future__ import annotations

from pathlib import Path

from auditor.compare.errors import Pickled, Refused
from auditor.compare.tolerance import tensor_tolerance
from auditor.errors import AuditorError
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.policy import Pair, Tolerances


def accepts_zeros(path: Path, tolerances: Tolerances) -> bool:
    """Whether every element of every floating-point tensor in a file is within the policy's tolerance of 0.

    Tensors that are zero throughout equal the replica and say nothing; a file of nothing else is not exercised.

    Raises:
        NotApplicable: the policy gives no pair of its own for tensors, or the file has no tensor that could tell.
        Inconclusive: the file is not what its format allows.
    """
    import numpy as np  # noqa: PLC0415  (only tensors need it)

    from auditor.compare.tensors import open_tensors  # noqa: PLC0415  (the same)

    if not any(isinstance(chosen, Pair) for chosen in tolerances.tensors.values()):
        raise NotApplicable("the policy leaves tensors to the default table, which accepts no model of zeros")
    exercised = False
    try:
        with open_tensors(path) as file:
            for name, info in file.tensors.items():
                if not info.dtype.startswith(("float", "bfloat")):
                    continue
                tolerance = tensor_tolerance(tolerances, name or path.name, info.dtype, same_executor=False)
                for block in file.blocks(name):
                    size = np.abs(block.astype(np.float64, copy=False))
                    if not np.all(size <= tolerance.absolute + tolerance.relative * size):
                        return False
                    exercised = exercised or bool(np.any(size > 0))
    except Refused as error:
        reason = f"its tensors cannot be read: {error.message}"
        raise (NotApplicable(reason) if isinstance(error, Pickled) else Inconclusive(reason)) from None
    except AuditorError as error:
        raise NotApplicable(error.message) from None
    if not exercised:
        raise NotApplicable("the file holds no weights other than zero")
    return True
