"""The rules that are in force, in prose: the page to show to whoever asks how models get merged and deployed here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from auditor.model.policy import Gate, Policy
from auditor.model.words import Isolation, Tier
from auditor.policy.rulebook import Rulebook
from auditor.render.text import visible_lines

_TIERS = {
    Tier.DIGESTS: "every file is hashed again",
    Tier.RECOMPUTE: "metrics are recomputed from stored predictions",
    Tier.EVALUATE: "the weights are evaluated again",
    Tier.SMOKE: "the recorded, scaled-down run is executed again",
    Tier.PREFIX: "the first steps of the run are executed again",
    Tier.SEGMENT: "a random segment of the run is executed again",
    Tier.FULL: "the whole run is executed again",
}
_ISOLATIONS = {
    Isolation.BWRAP: "in a sandbox without network",
    Isolation.CONTAINER: "in a container without network",
    Isolation.NONE: "without isolation",
}


def explain(rules: Rulebook) -> str:
    """Gates, people, what is executed, what is waived until when, and the date of the next review."""
    policy = rules.policy
    where = "the built-in policy, since none is committed" if rules.ref is None else f"auditor.yaml at {rules.ref[:12]}"
    paragraphs = [
        [f"Rules in force on {rules.today}: {where}, {rules.digest}."],
        list(_mode(policy)),
        ["Merging a change", *_gate(policy.gates.merge)],
        ["Deploying a model", *_gate(policy.gates.deploy), *_deploying(policy)],
        ["Auditing old runs", *_gate(policy.gates.history)],
        ["Comparing", *_comparing(policy)],
        ["People", *_people(policy)],
        ["Exceptions", *_waivers(rules)],
        [f"Next review: {rules.review[0]}, when {rules.review[1]}."],
    ]
    return visible_lines("\n\n".join(_paragraph(*lines) for lines in paragraphs))


def _paragraph(head: str, *rest: str) -> str:
    return "\n".join([head, *(f"  {line}" for line in rest)])


def _mode(policy: Policy) -> Iterator[str]:
    if policy.mode == "enforce":
        yield "Findings turn a build red."
    else:
        yield "Report only: everything is printed, nothing turns red, and nothing counts at deployment."
    yield f"Manifests of runs: {_and(policy.manifests)}."
    if policy.references:
        yield f"A change of {_and(policy.covers)} has the reference runs executed again: {_and(policy.references)}."
    else:
        yield "No reference run is named, so a change of code alone executes nothing."
    if policy.severities:
        yield f"By this policy {_and(f'{check} weighs {weight}' for check, weight in sorted(policy.severities.items()))}."


def _gate(gate: Gate) -> Iterator[str]:
    yield f"The checklist {gate.checklist} is asked; findings from {gate.block_at} on block."
    if gate.tiers:
        yield f"Of each run, {_and(_TIERS[tier] for tier in gate.tiers)}."
    if any(tier > Tier.RECOMPUTE for tier in gate.tiers):
        limit = f", for at most {gate.budget} in all" if gate.budget else ""
        yield f"What is executed runs {_or(_ISOLATIONS[one] for one in gate.isolation)}{limit}."
    for claim, levels in gate.require.items():
        yield f"Claims about {claim} must be {_or(levels)}, or better."
    if gate.approvals:
        who = "One person" if gate.approvals == 1 else f"{gate.approvals} people"
        yield f"{who} who had no hand in the run must have approved it, each under a key of their own."
    if gate.max_waivers is not None:
        yield f"At most {gate.max_waivers} findings may be waived at once."


def _deploying(policy: Policy) -> Iterator[str]:
    gate = policy.gates.deploy
    if not gate.approvals:
        yield "Nobody has to approve; every attestation says so."
    if gate.max_verdict_age:
        yield f"The verdict may be at most {gate.max_verdict_age} old."
    if policy.kept.max_age:
        yield f"The ledger must have a signed checkpoint that is at most {policy.kept.max_age} old."


def _comparing(policy: Policy) -> Iterator[str]:
    for name, pair in policy.tolerances.metrics.items():
        yield f"The metric {name} may differ by {pair.absolute:g} plus {pair.relative:g} of its size."
    if policy.tolerances.ignore:
        yield f"Never compared, since they are no claims: {_and(policy.tolerances.ignore)}."
    known = "by the default table" if policy.executors.unknown_pair == "default-table" else "as inconclusive"
    yield f"Machines that were never measured against each other are judged {known}."


def _people(policy: Policy) -> Iterator[str]:
    trust = policy.trust
    roles = (
        (trust.owners, "may accept looser rules and waive findings", "review rules are the only guard of this policy"),
        (trust.approvers, "may approve", "everybody may approve whom the policy knows by a key, except the run's authors"),
        (trust.judges, "sign the verdicts that count at deployment", "the deploy gate relies on its own judgement alone"),
    )
    for people, may, otherwise in roles:
        yield f"{_and(people)} {may}." if people else f"Nobody is named who {may.replace('sign', 'signs', 1)}: {otherwise}."
    known = len(set(trust.identities.values()))
    yield f"The policy knows {known} people by {len(trust.identities)} keys and addresses."
    yield f"What is decided is kept in {policy.kept.url or 'the git directory'}."


def _waivers(rules: Rulebook) -> Iterator[str]:
    for one in rules.in_force:
        yield f"{one.check} is waived for {one.run} until {one.until} by {one.owner}: {one.reason}."
    if not rules.in_force:
        yield "Nothing is waived."
    if over := len(rules.waivers) - len(rules.in_force):
        yield f"{over} waiver{'' if over == 1 else 's'} ended."


def _and(words: Iterable[str]) -> str:
    return _listed(words, "and")


def _or(words: Iterable[str]) -> str:
    return _listed(words, "or")


def _listed(words: Iterable[str], last: str) -> str:
    listed = [str(word) for word in words]
    if len(listed) < 2:
        return "".join(listed) or "nothing"
    return f"{', '.join(listed[:-1])} {last} {listed[-1]}"
