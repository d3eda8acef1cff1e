"""What an audit found and what a gate made of it. Renderers turn a :class:`Report` into text and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import msgspec

from auditor.model.comparison import ReproductionResult
from auditor.model.finding import Result
from auditor.model.words import EvidenceLevel, Exit, Outcome, Severity, Verdict


class Established(msgspec.Struct, frozen=True, kw_only=True):
    """How one claim is known. ``claim`` is ``metric:NAME`` or ``weights:NAME``, ``pointer`` its place in the manifest."""

    claim: str
    level: EvidenceLevel
    pointer: str = ""


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found about one manifest.

    ``identity`` tells what ``digest`` covers: the canonical form of a readable manifest, or the raw bytes of one that
    cannot be read (then ``id`` is None). ``claims`` are those that the gate requires a level of evidence for.
    """

    manifest: str
    digest: str
    identity: Literal["canonical", "bytes"]
    id: str | None
    results: tuple[Result, ...] = ()
    reproductions: tuple[ReproductionResult, ...] = ()
    claims: tuple[Established, ...] = ()


class PolicyUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that took part in the verdict, where it was read, and what it alone would have said."""

    role: Literal["base", "head", "built-in"]
    digest: str
    ref: str
    verdict: Verdict | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One audit. ``gate`` and ``verdict`` are None for commands that do not gate.

    ``block_at`` is the lightest severity that counts in the verdict. ``results`` hold findings of no single run. ``notes``
    are short sentences for people (what was not compared, what is advisory and why, what to do next); they carry no
    decision.
    """

    version: str
    gate: str | None = None
    verdict: Verdict | None = None
    exit: Exit = Exit.OPEN
    block_at: Severity = Severity.MAJOR
    advisory: bool = False
    head: str | None = None
    base: str | None = None
    policies: tuple[PolicyUsed, ...] = ()
    results: tuple[Result, ...] = ()
    runs: tuple[RunReport, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many results have each outcome, every outcome listed."""
        tally = Counter(r.outcome for r in self.results)
        for run in self.runs:
            tally.update(r.outcome for r in run.results)
        return {outcome: tally[outcome] for outcome in Outcome}
