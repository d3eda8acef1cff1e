"""Asks the checks that are about the past as a whole, whatever the checklist: what was lost is no matter of taste."""

from __future__ import annotations

from typing import Final

from auditor.catalogue.check import catalogue
from auditor.catalogue.checklists import Selected
from auditor.engine import Gathered, ask
from auditor.evidence.past import Past
from auditor.model.finding import Result
from auditor.model.policy import Policy

LOST: Final = "artifacts/lost"
PROBED: Final = ("environment/unresolvable-lock", "environment/vanished-image")


def asked(policy: Policy, past: Past, *checks: str) -> tuple[Result, ...]:
    """The results of ``checks`` about ``past``, with the severities that the policy gives them."""
    known = [catalogue()[check] for check in checks]
    selection = [Selected(check=one, severity=policy.severities.get(one.rule.id, one.rule.severity)) for one in known]
    return ask(selection, Gathered({"past": lambda: past}))
