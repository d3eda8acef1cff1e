"""Checklists: named selections of checks, with the severities that they give them."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
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
    """A selection by patterns of check ids.

    ``severities`` maps patterns to the severity that this checklist gives. ``attest`` are statements that no check can
    make: people do, and say so under their names. Each is called ``<checklist>/<key>``.
    """

    summary: str
    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    severities: dict[str, Severity] = {}
    attest: dict[str, str] = {}


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


def statements(name: str) -> dict[str, str]:
    """What people have to attest for checklist ``name``, by id; nothing for a family's."""
    chosen = checklists().get(name)
    return {} if chosen is None else {f"{name}/{key}": words for key, words in chosen.attest.items()}


def ids(name: str) -> frozenset[str]:
    """The ids of the checks on checklist ``name``; a family's name is a checklist of its own."""
    return frozenset(selected.check.rule.id for selected in select(name))


def select(
    name: str, severities: Mapping[str, Severity] | None = None, own: Mapping[str, Check] | None = None
) -> list[Selected]:
    """The checks on checklist ``name`` with their severities; a policy's ``severities`` win over the checklist's.

    ``own`` are the project's own checks by id: they are on every checklist that their ids match.

    Raises:
        UsageError: there is no checklist or family of that name.
        PolicyError: ``severities`` names a check that does not exist, so that it would weigh nothing.
        EmptySelectionError: it has no checks.
    """
    known = ChainMap(dict(own or {}), catalogue())  # type: ignore[arg-type]  # read only: nothing is put into it
    if unknown := sorted(set(severities or {}) - set(known)):
        raise PolicyError(f"severities: there is no check called {unknown[0]!r}", hint="`auditor checks` lists them")
    lists = checklists()
    families = sorted({check_id.partition("/")[0] for check_id in known})
    if name in lists:
        chosen = lists[name]
    elif name in families:
        chosen = Checklist(summary=f"the {name} family", include=(f"{name}/*",))
    else:
        raise UsageError(
            f"there is no checklist called {name!r}", hint=f"checklists: {', '.join(lists)}; families: {', '.join(families)}"
        )
    found = [
        Selected(check=known[check_id], severity=_severity(known[check_id], chosen, severities or {}))
        for check_id in sorted(known)
        if _matches(check_id, chosen.include) and not _matches(check_id, chosen.exclude)
    ]
    if not found:
        raise EmptySelectionError(f"checklist {name!r} has no checks")
    return found


def _severity(check: Check, checklist: Checklist, policy: Mapping[str, Severity]) -> Severity:
    if check.rule.id in policy:
        return policy[check.rule.id]
    for pattern, severity in checklist.severities.items():
        if fnmatchcase(check.rule.id, pattern):
            return severity
    return check.rule.severity


def _matches(check_id: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(check_id, pattern) for pattern in patterns)
