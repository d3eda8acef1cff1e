"""The policy under which a run is judged, as far as a check may look at it."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.model.band import Calibration
from auditor.model.policy import Policy
from auditor.model.words import EvidenceLevel, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The policy and, where a gate judges, what that gate requires of each kind of claim.

    ``bands`` are what the policy's files of bands teach. ``established`` holds the levels that trusted verdicts on record
    give the claims of this run (``metric:accuracy``).
    """

    policy: Policy
    require: dict[str, tuple[EvidenceLevel, ...]] = field(default_factory=dict)
    tiers: tuple[Tier, ...] = ()
    bands: tuple[Calibration, ...] = ()
    established: dict[str, EvidenceLevel] = field(default_factory=dict)
