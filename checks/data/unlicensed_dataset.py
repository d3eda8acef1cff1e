"""Flags a data set without a licence, or with one that is no SPDX expression.

## Why it matters
Data without a licence may not be used, handed on, or trained on by others, however reproducible the
run. The NeurIPS checklist and most journals ask for it.

## How to fix
Write the SPDX identifier of the licence into the data's `license` (`CC-BY-4.0`, `MIT`), or
`LicenseRef-` and a name for terms of your own (`LicenseRef-internal`).

## When it cannot decide
Never: a licence is named or it is not. Whether it is the right one is for people to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="data/unlicensed-dataset",
    summary="A data set without a licence, or with one that is no SPDX expression.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.DECLARED,
    since="0.1.0",
)

_TERM = r"\(*\s*(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.+-]*\s*\)*"
_EXPRESSION = re.compile(rf"{_TERM}(?:\s+(?:AND|OR|WITH)\s+{_TERM}){{0,20}}")
"""SPDX 2.3, annex D, as far as its shape; the list of identifiers grows with every release of theirs."""


def check(run: Run) -> Iterator[Finding]:
    """Yield each data set that names no licence, or something that cannot be one."""
    if not run.data:
        raise NotApplicable("the run declares no data")
    for index, data in enumerate(run.data):
        text = (data.license or "").strip()[:1000]
        if text and _EXPRESSION.fullmatch(text) and text.count("(") == text.count(")"):
            continue
        yield Finding(
            message=f"{data.name} names no licence" if not text else f"{data.name}: {text!r} is no SPDX expression",
            pointer=f"/data/{index}/license" if text else f"/data/{index}",
            fix="write the licence's SPDX identifier, or LicenseRef- and a name for terms of your own",
        )
