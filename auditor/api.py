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
``change``      :class:`Change`, the difference between base and head; a check that asks for it judges no single run
==============  =============================================================================================

It yields a :class:`Finding` for each defect, and may yield an :class:`EvidenceLevel` to say that its answer stands on
less than the rule's best. It raises :class:`Inconclusive` when evidence that would decide is missing, and
:class:`NotApplicable` when the question does not arise; findings already yielded stay.
"""

from __future__ import annotations

from auditor.compare.metrics import compare_metric
from auditor.compare.tolerance import is_ignored, metric_tolerance
from auditor.digest import of_value as value_digest
from auditor.evidence.change import Change, Reference, Remark
from auditor.evidence.claimed import ClaimedBytes, Located, unsafe
from auditor.evidence.configured import recorded_bytes, resolve_again
from auditor.evidence.history import History
from auditor.evidence.lock import Lock, read_lock
from auditor.evidence.manifest import Manifest
from auditor.evidence.measured import Measured, claims_metrics
from auditor.evidence.overlap import overlap
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.evidence.secrets import secrets_in
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.finding import Finding, Rule
from auditor.model.run import Artifact, DataSource, Metric, Run
from auditor.model.words import Agreement, EvidenceLevel, Severity, Tier

EVIDENCE = ("run", "manifest", "claimed", "measured", "history", "reproductions", "rules", "change")
"""The names that a check's parameters may have."""

__all__ = [
    "EVIDENCE",
    "Agreement",
    "Artifact",
    "Change",
    "ClaimedBytes",
    "Comparison",
    "DataSource",
    "EvidenceLevel",
    "Finding",
    "History",
    "Inconclusive",
    "Located",
    "Lock",
    "Manifest",
    "Measured",
    "Metric",
    "NotApplicable",
    "Reference",
    "Remark",
    "ReproductionResult",
    "Reproductions",
    "Rule",
    "Rules",
    "Run",
    "Severity",
    "Tier",
    "claims_metrics",
    "compare_metric",
    "is_ignored",
    "metric_tolerance",
    "overlap",
    "read_lock",
    "recorded_bytes",
    "resolve_again",
    "secrets_in",
    "unsafe",
    "value_digest",
]
