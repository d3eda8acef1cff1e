"""Checklists: named selections of checks, with the severities that they give them."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import msgspec

from auditor.catalogue.check import Check, catalogue
from auditor.errors import EmptySelectionError, PolicyError, UsageError
from auditor.manifest.reader import read_file
from auditor.model.words import Severity
from auditor.resources import folder


class Checklist(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A selection by patterns of check ids. ``severities`` maps patterns to the severity that this checklist gives."""

    summary: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    severities: dict[str, Severity] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """A check and the severity that it has here."""

    check: Check
    severity: Severity


@cache
def checklists() -> dict[str, Checklist]:
    """The checklists that come with the auditor, by name."""
    document = read_file(folder("checks") / "checklists.yaml")
    return msgspec.convert(document.value, dict[str, Checklist])


def ids(name: str) -> frozenset[str]:
    """The ids of the checks on checklist ``name``; a family's name is a checklist of its own."""
    return frozenset(selected.check.rule.id for selected in select(name))


def select(name: str, severities: dict[str, Severity] | None = None) -> list[Selected]:
    """The checks on checklist ``name`` with their severities; a policy's ``severities`` win over the checklist's.

    Raises:
        UsageError: there is no checklist or family of that name.
        PolicyError: ``severities`` names a check that does not exist, so that it would weigh nothing.
        EmptySelectionError: it has no checks.
    """
    if unknown := sorted(set(severities or {}) - set(catalogue())):
        raise PolicyError(f"severities: there is no check called {unknown[0]!r}", hint="`auditor checks` lists them")
    lists = checklists()
    families = sorted({check.rule.family for check in catalogue().values()})
    if name in lists:
        chosen = lists[name]
    elif name in families:
        chosen = Checklist(summary=f"the {name} family", include=(f"{name}/*",))
    else:
        raise UsageError(
            f"there is no checklist called {name!r}", hint=f"checklists: {', '.join(lists)}; families: {', '.join(families)}"
        )
    found = [
        Selected(check=check, severity=_severity(check, chosen, severities or {}))
        for check in catalogue().values()
        if _matches(check.rule.id, chosen.include) and not _matches(check.rule.id, chosen.exclude)
    ]
    if not found:
        raise EmptySelectionError(f"checklist {name!r} has no checks")
    return found


def _severity(check: Check, checklist: Checklist, policy: dict[str, Severity]) -> Severity:
    if check.rule.id in policy:
        return policy[check.rule.id]
    for pattern, severity in checklist.severities.items():
        if fnmatchcase(check.rule.id, pattern):
            return severity
    return check.rule.severity


def _matches(check_id: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(check_id, pattern) for pattern in patterns)
