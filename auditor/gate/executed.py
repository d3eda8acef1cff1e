"""Executes what a change brings and reports what came of it: the part of a merge gate that runs untrusted code.

The judge comes after it, on another machine, and believes nothing of this report: it reads the evidence.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from auditor.gate.merge import Merge, gate_merge
from auditor.gate.worktree import REPRODUCING
from auditor.model.report import Report


def execute(request: Merge) -> Report:
    """The report of executing what a merge gate with this request would execute; it decides nothing.

    Raises:
        UsageError, PolicyError, EmptySelectionError, UndecidableError: nothing could be executed; each says why.
    """
    report = gate_merge(replace(request, only=REPRODUCING))
    note = "this is no verdict: `auditor gate merge` gives one, by --evidence from what was executed here"
    return msgspec.structs.replace(report, gate=None, verdict=None, advisory=True, notes=(*report.notes, note))
