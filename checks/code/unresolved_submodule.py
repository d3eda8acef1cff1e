"""Flags a submodule whose code nobody else can fetch, or that ran at another commit than recorded.

## Why it matters
A submodule is a pointer. Without an address in `.gitmodules`, or with another commit than the run
used, a clone of the repository is not the code that ran.

## How to fix
Add the submodule with `git submodule add URL PATH`, commit `.gitmodules`, and record the run again
on the commit that names the submodule's state.

## When it cannot decide
When the recorded code is not in this clone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, NotApplicable, Rule, Run, Severity, submodules_of

RULE: Final = Rule(
    id="code/unresolved-submodule",
    summary="A submodule that cannot be fetched, or ran at another commit than recorded.",
    severity=Severity.MAJOR,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)

_SECTION = re.compile(r"^\[submodule [^\n]*\n((?:(?!\[)[^\n]*\n?)*)", re.MULTILINE)
_PATH = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)
_URL = re.compile(r"^\s*url\s*=\s*\S", re.MULTILINE)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield each submodule of the recorded tree without an address, and each that the manifest tells otherwise."""
    recorded = {module.path: module.commit for module in run.code.submodules} if run.code is not None else {}
    source = history.source(run)
    if source is None:
        raise Inconclusive("the recorded code is not in this clone")
    actual = submodules_of(history, source)
    if not actual and not recorded:
        raise NotApplicable("the recorded code has no submodule")
    text = (history.repository.read(source, ".gitmodules") or b"").decode(errors="replace")
    known = {place[1] for body in _SECTION.findall(text) if _URL.search(body) and (place := _PATH.search(body))}
    for path in sorted({*actual, *recorded}):
        message = _wrong(path, actual.get(path), recorded.get(path))
        if message is None and path not in known:
            message = f"{path} has no address in .gitmodules, so nobody can fetch it"
        if message is not None:
            yield Finding(
                message=message,
                pointer="/code/submodules" if recorded else "/code",
                fix="commit .gitmodules with the submodule's address, and record the run again",
            )


def _wrong(path: str, actual: str | None, recorded: str | None) -> str | None:
    if actual is None:
        return f"{path} is recorded as a submodule, but the recorded commit has none there"
    if recorded is None:
        return f"{path} is a submodule that the manifest does not record"
    if actual != recorded:
        return f"{path} is at {actual[:12]} in the recorded commit, the manifest says {recorded[:12]}"
    return None
