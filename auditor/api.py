"""All that a check may import.

A check is a module with a :class:`Rule` called ``RULE`` and a function ``check``. The names of the function's parameters
say which evidence it asks for:

==============  =============================================================================================
``run``         :class:`Run`, the claims of the manifest
``manifest``    :class:`Manifest`, the document itself, with places and schema violations
``claimed``     :class:`ClaimedBytes`, the bytes behind the claims, re-hashed
``measured``    :class:`Measured`, metrics recomputed from the run's predictions
``history``     :class:`History`, what git knows of the recorded code
``reproductions``  :class:`Reproductions`, what re-executions showed
``rules``       :class:`Rules`, the policy under which the run is judged
``answers``     :class:`Answers`, what people have to say about the run, and said under their names
``change``      :class:`Change`, the difference between base and head; a check that asks for it judges no single run
``deployment``  :class:`Deployment`, what is about to be deployed; asked by the deploy gate alone
``past``        :class:`Past`, what an audit of the past found beside the runs; asked by history alone
==============  =============================================================================================

It yields a :class:`Finding` for each defect, and may yield an :class:`EvidenceLevel` to say that its answer stands on
less than the rule's best. It raises :class:`Inconclusive` when evidence that would decide is missing, and
:class:`NotApplicable` when the question does not arise; findings already yielded stay.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.compare.algebra import grim, is_rounding_of, is_share_of_rows
    from auditor.compare.metrics import compare_metric
    from auditor.compare.tolerance import is_ignored, metric_tolerance
    from auditor.digest import of_value as value_digest
    from auditor.evidence.answers import Answers
    from auditor.evidence.change import Change, Reference, Remark
    from auditor.evidence.claimed import ClaimedBytes, Located, unsafe
    from auditor.evidence.columns import contradictions, telltales
    from auditor.evidence.commitment import broken_commitment
    from auditor.evidence.configured import recorded_bytes, resolve_again
    from auditor.evidence.content import pointer as lfs_pointer
    from auditor.evidence.deployment import Deployment
    from auditor.evidence.determinism import nondeterministic
    from auditor.evidence.figures import Curve, curves, written_figures
    from auditor.evidence.finite import non_finite
    from auditor.evidence.history import History
    from auditor.evidence.inputs import undeclared_reads
    from auditor.evidence.labels import mislabelled
    from auditor.evidence.levels import established
    from auditor.evidence.lock import Lock, read_lock
    from auditor.evidence.magic import KNOWN as TOLD_BY_BYTES
    from auditor.evidence.magic import is_of
    from auditor.evidence.manifest import Manifest
    from auditor.evidence.measured import Measured, claims_metrics
    from auditor.evidence.notebooks import disorder
    from auditor.evidence.overlap import overlap
    from auditor.evidence.past import Past
    from auditor.evidence.pickles import dangerous_imports
    from auditor.evidence.pointers import at_pointer, escaped
    from auditor.evidence.powerless import accepts_zeros
    from auditor.evidence.relatives import Relative, cycle, relative, relatives
    from auditor.evidence.reproductions import Reproductions
    from auditor.evidence.rules import Rules
    from auditor.evidence.secrets import redacted, secrets_in
    from auditor.evidence.sources import SourceFile, Spotted, executed, submodules_of
    from auditor.evidence.splits import distinct, former_snapshot, partition, rows_of, span
    from auditor.evidence.switches import loose, loosened_in_code
    from auditor.evidence.tables import count_records, form_of, is_table, open_rows
    from auditor.evidence.unanswered import Inconclusive, NotApplicable
    from auditor.evidence.unsafe_loading import looked_up, unsafe_calls
    from auditor.model.comparison import Comparison, ReproductionResult
    from auditor.model.finding import Finding, Rule
    from auditor.model.run import Artifact, DataSource, FileRef, Metric, Run, Seed
    from auditor.model.words import Agreement, EvidenceLevel, Severity, Tier

EVIDENCE = (
    *("run", "manifest", "claimed", "measured", "history", "reproductions", "rules", "answers"),
    *("change", "deployment", "past"),
)
"""The names that a check's parameters may have."""

_HOMES = {
    "accepts_zeros": "evidence.powerless",
    "Agreement": "model.words",
    "Answers": "evidence.answers",
    "Artifact": "model.run",
    "Change": "evidence.change",
    "ClaimedBytes": "evidence.claimed",
    "Comparison": "model.comparison",
    "Curve": "evidence.figures",
    "DataSource": "model.run",
    "Deployment": "evidence.deployment",
    "EvidenceLevel": "model.words",
    "FileRef": "model.run",
    "Finding": "model.finding",
    "History": "evidence.history",
    "Inconclusive": "evidence.unanswered",
    "Located": "evidence.claimed",
    "Lock": "evidence.lock",
    "Manifest": "evidence.manifest",
    "Measured": "evidence.measured",
    "Metric": "model.run",
    "NotApplicable": "evidence.unanswered",
    "Past": "evidence.past",
    "Reference": "evidence.change",
    "Relative": "evidence.relatives",
    "Remark": "evidence.change",
    "ReproductionResult": "model.comparison",
    "Reproductions": "evidence.reproductions",
    "Rule": "model.finding",
    "Rules": "evidence.rules",
    "Run": "model.run",
    "Seed": "model.run",
    "Severity": "model.words",
    "SourceFile": "evidence.sources",
    "Spotted": "evidence.sources",
    "TOLD_BY_BYTES": "evidence.magic:KNOWN",
    "Tier": "model.words",
    "at_pointer": "evidence.pointers",
    "broken_commitment": "evidence.commitment",
    "claims_metrics": "evidence.measured",
    "compare_metric": "compare.metrics",
    "contradictions": "evidence.columns",
    "count_records": "evidence.tables",
    "curves": "evidence.figures",
    "cycle": "evidence.relatives",
    "dangerous_imports": "evidence.pickles",
    "disorder": "evidence.notebooks",
    "distinct": "evidence.splits",
    "escaped": "evidence.pointers",
    "established": "evidence.levels",
    "executed": "evidence.sources",
    "form_of": "evidence.tables",
    "former_snapshot": "evidence.splits",
    "grim": "compare.algebra",
    "is_ignored": "compare.tolerance",
    "is_of": "evidence.magic",
    "is_rounding_of": "compare.algebra",
    "is_share_of_rows": "compare.algebra",
    "is_table": "evidence.tables",
    "lfs_pointer": "evidence.content:pointer",
    "looked_up": "evidence.unsafe_loading",
    "loose": "evidence.switches",
    "loosened_in_code": "evidence.switches",
    "metric_tolerance": "compare.tolerance",
    "mislabelled": "evidence.labels",
    "non_finite": "evidence.finite",
    "nondeterministic": "evidence.determinism",
    "open_rows": "evidence.tables",
    "overlap": "evidence.overlap",
    "partition": "evidence.splits",
    "read_lock": "evidence.lock",
    "recorded_bytes": "evidence.configured",
    "redacted": "evidence.secrets",
    "relative": "evidence.relatives",
    "relatives": "evidence.relatives",
    "resolve_again": "evidence.configured",
    "rows_of": "evidence.splits",
    "secrets_in": "evidence.secrets",
    "span": "evidence.splits",
    "submodules_of": "evidence.sources",
    "telltales": "evidence.columns",
    "undeclared_reads": "evidence.inputs",
    "unsafe": "evidence.claimed",
    "unsafe_calls": "evidence.unsafe_loading",
    "value_digest": "digest:of_value",
    "written_figures": "evidence.figures",
}
"""Where each name comes from, below ``auditor``; ``module:name`` where it is called otherwise there. A test holds it."""

__all__ = [
    "EVIDENCE",
    "TOLD_BY_BYTES",
    "Agreement",
    "Answers",
    "Artifact",
    "Change",
    "ClaimedBytes",
    "Comparison",
    "Curve",
    "DataSource",
    "Deployment",
    "EvidenceLevel",
    "FileRef",
    "Finding",
    "History",
    "Inconclusive",
    "Located",
    "Lock",
    "Manifest",
    "Measured",
    "Metric",
    "NotApplicable",
    "Past",
    "Reference",
    "Relative",
    "Remark",
    "ReproductionResult",
    "Reproductions",
    "Rule",
    "Rules",
    "Run",
    "Seed",
    "Severity",
    "SourceFile",
    "Spotted",
    "Tier",
    "accepts_zeros",
    "at_pointer",
    "broken_commitment",
    "claims_metrics",
    "compare_metric",
    "contradictions",
    "count_records",
    "curves",
    "cycle",
    "dangerous_imports",
    "disorder",
    "distinct",
    "escaped",
    "established",
    "executed",
    "form_of",
    "former_snapshot",
    "grim",
    "is_ignored",
    "is_of",
    "is_rounding_of",
    "is_share_of_rows",
    "is_table",
    "lfs_pointer",
    "looked_up",
    "loose",
    "loosened_in_code",
    "metric_tolerance",
    "mislabelled",
    "non_finite",
    "nondeterministic",
    "open_rows",
    "overlap",
    "partition",
    "read_lock",
    "recorded_bytes",
    "redacted",
    "relative",
    "relatives",
    "resolve_again",
    "rows_of",
    "secrets_in",
    "span",
    "submodules_of",
    "telltales",
    "undeclared_reads",
    "unsafe",
    "unsafe_calls",
    "value_digest",
    "written_figures",
]


def __getattr__(name: str) -> object:
    """A name of this module, imported when a check first asks for it: most checks need little of what there is."""
    module, _, there = _HOMES.get(name, "").partition(":")
    if not module:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"auditor.{module}"), there or name)
    globals()[name] = found
    return found
