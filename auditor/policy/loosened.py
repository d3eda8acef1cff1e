"""Finds every entry in which one policy asks for less than another.

What cannot be ordered counts as loosened; what is stricter is no finding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from auditor.errors import AuditorError
from auditor.model.policy import Bound, Environments, Gate, Pair, Policy, Segments, Waiver
from auditor.model.words import EvidenceLevel, Severity
from auditor.policy.load import duration
from auditor.policy.patterns import covers, covers_path
from auditor.policy.tolerances import widened

Checklist = Callable[[str], Mapping[str, Severity]]
"""Tells, for the name of a checklist, the checks on it and how much each weighs there before the policy's ``severities``.

It raises an :class:`AuditorError` for a name that it does not know, or that selects nothing.
"""


class Loosening(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that asks for less. ``pointer`` leads to it in the looser policy; ``message`` names both values."""

    pointer: str
    message: str


def loosened(base: Policy, head: Policy, *, checklist: Checklist) -> tuple[Loosening, ...]:
    """Every entry in which ``head`` asks for less than ``base``, in the order of the policy's keys, without repetition."""
    found = [Loosening(pointer=pointer, message=message) for pointer, message in _entries(base, head, checklist)]
    return tuple(dict.fromkeys(found))


_Entry = tuple[str, str]


def _entries(base: Policy, head: Policy, checklist: Checklist) -> Iterator[_Entry]:
    if head.mode == "report-only" != base.mode:
        yield "/mode", "enforce became report-only: nothing would turn red"
    yield from _narrowed("/manifests", base.manifests, head.manifests)
    yield from _narrowed("/covers", base.covers, head.covers)
    yield from _removed("/references", base.references, head.references)
    yield from _changed_entries("/stores", base.stores, head.stores)
    yield from _removed("/checks", base.checks, head.checks)
    for name in ("merge", "deploy", "history"):
        yield from _gate(f"/gates/{name}", getattr(base.gates, name), getattr(head.gates, name))
    yield from _weights(base, head, checklist)
    yield from widened("/tolerances/metrics", base.tolerances.metrics, head.tolerances.metrics)
    yield from widened("/tolerances/tensors", base.tolerances.tensors, head.tolerances.tensors)
    yield from _dtypes(base.tolerances.dtypes, head.tolerances.dtypes)
    if base.tolerances.pairs != head.tolerances.pairs:
        yield "/tolerances/pairs", "the tolerances between two executor classes changed, which cannot be ordered"
    if new := [p for p in head.tolerances.ignore if not any(covers(known, p) for known in base.tolerances.ignore)]:
        yield "/tolerances/ignore", f"{_listed(new)} would be compared no longer"
    if head.executors.unknown_pair == "default-table" != base.executors.unknown_pair:
        yield "/executors/unknown-pair", "inconclusive became default-table: a pair never calibrated would be let through"
    yield from _added("/bands", base.bands, head.bands)
    yield from _removed("/bands", base.bands, head.bands)
    yield from _segments(base.segments, head.segments)
    yield from _removed("/power/learning-rates", base.power.learning_rates, head.power.learning_rates)
    yield from _environment(base.environment, head.environment)
    yield from _waivers(base.waivers, head.waivers)
    yield from _added("/images", base.images, head.images)
    if head.kept.url != base.kept.url:
        yield "/ledger", f"the ledger moved from {_said(base.kept.url)} to {_said(head.kept.url)}"
    if _seconds(head.kept.max_age) > _seconds(base.kept.max_age):
        yield "/ledger", f"max-age {base.kept.max_age} became {_said(head.kept.max_age)}: an end cut off would show later"
    for role in ("owners", "approvers", "judges"):
        yield from _trust(f"/trust/{role}", getattr(base.trust, role), getattr(head.trust, role))
    yield from _changed_entries("/trust/identities", base.trust.identities, head.trust.identities)


def _gate(at: str, base: Gate, head: Gate) -> Iterator[_Entry]:
    if head.block_at > base.block_at:
        yield f"{at}/block-at", f"{base.block_at} became {head.block_at}: lighter defects would no longer block"
    yield from _removed(f"{at}/tiers", base.tiers, head.tiers)
    if _seconds(head.budget) < _seconds(base.budget):
        yield f"{at}/budget", f"{_said(base.budget)} became {head.budget}: less could be re-executed"
    yield from _added(f"{at}/isolation", base.isolation, head.isolation)
    for claim, levels in base.require.items():
        yield from _requirement(f"{at}/require", claim, levels, head.require.get(claim))
    if head.on_nothing == "open" != base.on_nothing:
        yield f"{at}/on-nothing", "undecided became open: a change in which nothing is judged would pass"
    if head.approvals < base.approvals:
        yield f"{at}/approvals", f"{base.approvals} became {head.approvals}"
    if _seconds(head.max_verdict_age) > _seconds(base.max_verdict_age):
        yield (
            f"{at}/max-verdict-age",
            f"{base.max_verdict_age} became {_said(head.max_verdict_age)}: older verdicts would count",
        )
    if _most(head.max_waivers) > _most(base.max_waivers):
        yield f"{at}/max-waivers", f"{base.max_waivers} became {_said(head.max_waivers)}: more could be waived at once"
    if head.sample != base.sample:
        yield f"{at}/sample", f"{_said(base.sample)} became {_said(head.sample)}, which cannot be ordered"


def _environment(base: Environments, head: Environments) -> Iterator[_Entry]:
    # Leaving sources out asks for more; another order, or another index, cannot be ordered.
    if [source for source in base.sources if source in head.sources] != list(head.sources):
        yield "/environment/sources", f"{_listed(base.sources)} became {_listed(head.sources)}"
    if head.build == "allowed" != base.build:
        yield "/environment/build", "refused became allowed: packages would run code to be installed"
    if head.index != base.index:
        yield "/environment/index", f"packages would come from {_said(head.index)} instead of {_said(base.index)}"


def _requirement(
    at: str, claim: str, base: Sequence[EvidenceLevel], head: Sequence[EvidenceLevel] | None
) -> Iterator[_Entry]:
    # The weakest level of the list is what has to be reached: any of them is acceptable.
    if head is None:
        yield at, f"{claim} would need no evidence any longer ({_listed(base)})"
    elif bool(base) != bool(head) or (base and head and min(head) < min(base)):
        yield f"{at}/{_escaped(claim)}", f"{_listed(base)} became {_listed(head)}"


def _weights(base: Policy, head: Policy, checklist: Checklist) -> Iterator[_Entry]:
    """Shorter checklists and lower severities, as each gate would come to see them."""
    known: set[str] = set()
    for name in ("merge", "deploy", "history"):
        old, new = getattr(base.gates, name).checklist, getattr(head.gates, name).checklist
        before, after = _checks(checklist, old), _checks(checklist, new)
        if before is None or after is None:
            if old != new:
                yield f"/gates/{name}/checklist", f"{old} became {new}, which cannot be ordered"
            continue
        known |= before.keys() | after.keys()
        if gone := sorted(before.keys() - after.keys()):
            yield f"/gates/{name}/checklist", f"{old} became {new}, which does not ask {_listed(gone)}"
        for check in sorted(before.keys() & after.keys()):
            was = base.severities.get(check, before[check])
            now = head.severities.get(check, after[check])
            if now < was:
                own = base.severities.get(check) != head.severities.get(check)
                at = f"/severities/{_escaped(check)}" if own else f"/gates/{name}/checklist"
                yield at, f"{check} was {was} and would be {now}"
    for check in sorted((base.severities.keys() | head.severities.keys()) - known):
        set_before, set_after = base.severities.get(check), head.severities.get(check)
        if set_before != set_after and (set_before is None or set_after is None or set_after < set_before):
            yield f"/severities/{_escaped(check)}", f"{check} was {_said(set_before)} and would be {_said(set_after)}"


def _checks(checklist: Checklist, name: str) -> Mapping[str, Severity] | None:
    try:
        return checklist(name)
    except AuditorError:
        return None


def _dtypes(base: Mapping[str, Pair], head: Mapping[str, Pair]) -> Iterator[_Entry]:
    """What is not named is up to the table, with which a pair of numbers cannot be compared here."""
    for name in sorted(base.keys() | head.keys()):
        old, new = base.get(name), head.get(name)
        tighter = old is not None and new is not None and new.absolute <= old.absolute and new.relative <= old.relative
        if not tighter and new != Pair():
            yield f"/tolerances/dtypes/{name}" if new else "/tolerances/dtypes", f"{name} might be allowed more than before"


def _segments(base: Segments, head: Segments) -> Iterator[_Entry]:
    for name in ("draw", "top"):
        before, after = getattr(base, name), getattr(head, name)
        if after < before:
            yield f"/segments/{name}", f"{before} became {after}: fewer segments would be replayed"
    for name, bound in base.bounds.items():
        now = head.bounds.get(name, Bound())
        lower = bound.minimum is not None and (now.minimum is None or now.minimum < bound.minimum)
        higher = bound.maximum is not None and (now.maximum is None or now.maximum > bound.maximum)
        if lower or higher:
            yield f"/segments/bounds/{_escaped(name)}", f"the bounds of {name} would be wider"


def _waivers(base: Sequence[Waiver], head: Sequence[Waiver]) -> Iterator[_Entry]:
    for index, waiver in enumerate(head):
        # Days compare as text: the schema holds them to YYYY-MM-DD. An earlier end of the same waiver asks for more.
        if not any(
            msgspec.structs.replace(known, until=waiver.until) == waiver and waiver.until <= known.until for known in base
        ):
            yield f"/waivers/{index}", f"{waiver.check} would be waived for run {waiver.run} until {waiver.until}"


def _trust(at: str, base: Sequence[str], head: Sequence[str]) -> Iterator[_Entry]:
    yield from _added(at, base, head)
    if base and not head:
        yield at, f"nobody is named any longer ({_listed(base)})"


def _narrowed(at: str, base: Sequence[str], head: Sequence[str]) -> Iterator[_Entry]:
    if lost := [pattern for pattern in base if not any(covers_path(wide, pattern) for wide in head)]:
        yield at, f"{_listed(lost)} would be matched no longer, or not wholly"


def _removed(at: str, base: Sequence[str], head: Sequence[str]) -> Iterator[_Entry]:
    if gone := [entry for entry in base if entry not in head]:
        yield at, f"{_listed(gone)} removed"


def _added(at: str, base: Sequence[str], head: Sequence[str]) -> Iterator[_Entry]:
    if more := [entry for entry in head if entry not in base]:
        yield at, f"{_listed(more)} added"


def _changed_entries(at: str, base: Mapping[str, object], head: Mapping[str, object]) -> Iterator[_Entry]:
    for key in sorted(base.keys() | head.keys()):
        if key not in head:
            yield at, f"{key} removed"
        elif key not in base or base[key] != head[key]:
            yield f"{at}/{_escaped(key)}", f"{key} {'changed' if key in base else 'added'}"


def _seconds(text: str | None) -> float:
    """A duration in seconds; without one there is no limit."""
    return float("inf") if text is None else duration(text)


def _most(number: int | None) -> float:
    return float("inf") if number is None else number


def _said(value: object) -> str:
    return "not set" if value is None else str(value)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(values) or "nothing"


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
