"""An attestation that holds, in words."""

from __future__ import annotations

from auditor.attestation.statement import REPRODUCTION
from auditor.attestation.verify import Verified


def vouched(verified: Verified) -> str:
    """What is vouched for, by whom and on which evidence; one line each."""
    lines = [f"verified  {file}  {value}" for file, value in verified.subjects.items()]
    lines.append(f"signed by {verified.keyid}")
    predicate = verified.predicate
    if verified.kind != REPRODUCTION:
        return "\n".join([*lines, f"SLSA verification summary: {', '.join(map(str, predicate['verifiedLevels']))}"])
    policy, approvals = predicate["policy"], predicate["approvals"]
    until = predicate["expiresOn"] or "further notice"
    lines += [
        f"verdict   {predicate['verdict']}, gate {predicate['gate']}, {predicate['decidedOn']}, until {until}",
        f"run       {predicate['run']['manifest']}  sha256:{predicate['run']['digest']['sha256']}",
        f"policy    {policy['role']}  {policy['ref'][:12]}  sha256:{policy['digest']['sha256']}",
        f"approvals {approvals['count']} of {approvals['required']} required{_names(approvals['given'])}",
    ]
    lines += [f"evidence  {level}  {claim}" for claim, level in predicate["levels"].items()]
    lines += [f"waived    {check}" for check in predicate["waived"]]
    return "\n".join(lines)


def _names(given: list[dict[str, object]]) -> str:
    return f": {', '.join(str(one['by']) for one in given)}" if given else ""
