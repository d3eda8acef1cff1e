"""Holds what a run says of its checkpoints against the root that it committed itself to; executes nothing."""

from __future__ import annotations

from pathlib import Path

from auditor.compare.errors import Refused
from auditor.errors import UndecidableError
from auditor.evidence.claimed import Claim, ClaimedBytes
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Run
from auditor.reproduce.segments.claimed import BrokenError, committed_leaves, read_claims


def broken_commitment(run: Run, claimed: ClaimedBytes) -> str | None:
    """How leaves, and the trace where it is here, contradict the root in the manifest; None where they fit it.

    Raises:
        Inconclusive: the leaves are not here.
    """
    claim = run.checkpoints
    if claim is None:
        return None

    def fetch(one: Claim) -> Path | None:
        try:
            return claimed.file(one)
        except Inconclusive:
            return None

    try:
        committed_leaves(claim, fetch)
    except (BrokenError, Refused) as error:
        return error.message
    except UndecidableError as error:
        raise Inconclusive(error.message) from None
    try:
        read_claims(run, fetch)
    except (BrokenError, Refused) as error:
        return error.message
    except UndecidableError:
        return None  # checkpoints are large and often lie elsewhere; what is committed to them stands in the leaves
    return None
