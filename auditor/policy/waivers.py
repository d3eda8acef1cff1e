"""Applies waivers: dated, owned exceptions, each bound to one run, one check and one meaning of that check."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from auditor import digest
from auditor.model.finding import Finding, Result, Rule
from auditor.model.policy import Waiver
from auditor.model.words import Outcome

LONGEST = 366
"""Days that a waiver may last from today: an exception without an end is a rule."""

_SOON = 14
"""Days before its end from which on a waiver is warned of."""

RENEW = "repair the run, or have a new waiver approved"
"""The way out of a waiver that does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Results with the waived ones marked, and a finding for each waiver that was asked for but does not hold.

    The findings' pointers lead into the policy (``/waivers/0``), or nowhere for a waiver of the ledger. ``applying`` are
    the waivers that excuse something.
    """

    results: tuple[Result, ...]
    refused: tuple[Finding, ...]
    applying: tuple[Waiver, ...] = ()


def rule_digest(rule: Rule) -> str:
    """What a waiver is bound to: the id of a rule and the version of its meaning. A better text changes nothing."""
    return _rule_digest(rule.id, rule.version)


@lru_cache(maxsize=1024)
def _rule_digest(name: str, version: int) -> str:
    return digest.of_value({"id": name, "version": version})


def apply(  # noqa: PLR0913  (each is needed and named)
    results: Iterable[Result],
    waivers: Sequence[Waiver],
    *,
    granted: Sequence[Waiver] = (),
    run_id: str | None,
    run_digest: str | None = None,
    today: dt.date,
    digests: Mapping[str, str],
) -> Applied:
    """Mark the failed results of run ``run_id`` that a valid waiver excuses.

    Args:
        results: the results of one run; all come back, in order.
        waivers: those of the policy that judges.
        granted: those that owners granted in the ledger.
        run_id: the run's id; None for a manifest that cannot be read.
        run_digest: the manifest's digest, by which a waiver may name the run as well.
        today: the day of the judgement; a waiver holds through its ``until``.
        digests: by check id, the :func:`rule_digest` of the rule that is in force.

    Only a failed check can be waived: what was not decided or what crashed cannot be agreed to.
    """
    names = {run_id, run_digest}
    judged: list[Result] = []
    refused: list[Finding] = []
    applying: list[Waiver] = []
    everything = [*((f"/waivers/{index}", one) for index, one in enumerate(waivers)), *(("", one) for one in granted)]
    for result in results:
        asked = [
            (pointer, waiver)
            for pointer, waiver in everything
            if result.outcome is Outcome.FAILED and waiver.run in names and waiver.check == result.check
        ]
        faults = [(pointer, waiver, _fault(waiver, today, digests.get(waiver.check))) for pointer, waiver in asked]
        waived = any(fault is None for _, _, fault in faults)
        judged.append(msgspec.structs.replace(result, waived=True) if waived else result)
        applying += [waiver for _, waiver, fault in faults if fault is None]
        if not waived:
            refused += [_refusal(pointer, waiver, *fault) for pointer, waiver, fault in faults if fault is not None]
    return Applied(results=tuple(judged), refused=tuple(refused), applying=tuple(applying))


def ending(waiver: Waiver, today: dt.date) -> str:
    """What to know about a waiver that excuses something: whose it is, and how long it still lasts."""
    left = (dt.date.fromisoformat(waiver.until) - today).days
    soon = f": it ends in {left} day{'' if left == 1 else 's'}" if left <= _SOON else ""
    return f"{waiver.check} is waived for {waiver.run} by {waiver.owner} until {waiver.until}{soon}"


def _fault(waiver: Waiver, today: dt.date, in_force: str | None) -> tuple[str, str] | None:
    """Why a waiver does not hold, and the way out; None when it does."""
    if not waiver.owner.strip() or not waiver.reason.strip():
        return "has no owner or no reason", "name the person who answers for it, and why"
    if in_force is None:
        return "names a check that is not in force", "name one of `auditor checks`, or remove the waiver"
    if waiver.rule is None:
        return "is not bound to the rule it excuses", f"add rule: {in_force}"
    if waiver.rule != in_force:
        return f"was given for another meaning of the rule ({waiver.rule})", f"{RENEW} for rule: {in_force}"
    return _out_of_time(waiver.until, today)


def _out_of_time(day: str, today: dt.date) -> tuple[str, str] | None:
    try:
        until = dt.date.fromisoformat(day)
    except ValueError:
        return f"ends on {day!r}, which is no day", "write until: YYYY-MM-DD"
    if until < today:
        return f"expired on {until}", RENEW
    if (until - today).days > LONGEST:
        return f"lasts until {until}, more than {LONGEST} days ahead", "choose an earlier day, and renew it when it comes"
    return None


def _refusal(pointer: str, waiver: Waiver, why: str, fix: str) -> Finding:
    message = f"the waiver of {waiver.check} for run {waiver.run}, owned by {waiver.owner or 'nobody'}, {why}"
    return Finding(message=message, fix=fix, pointer=pointer)
