"""Flags a run whose code nobody can fetch: its tree is in no reachable commit.

## Why it matters
Code that lives only on somebody's machine cannot be read, debugged or executed by anybody else. A
commit that no branch reaches is removed by git sooner or later.

## How to fix
Push the commit that the run was made from, or record the run again on a commit of this branch.

## When it cannot decide
When the clone is shallow and the commit may lie behind its edge, or when the run records no code. A
commit that is gone counts as unreachable unless the files that the run read are still the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, History, Inconclusive, Rule, Run, Severity

RULE: Final = Rule(
    id="code/unreachable-commit",
    summary="A run whose code is in no reachable commit.",
    severity=Severity.BLOCKER,
    evidence=EvidenceLevel.RECOMPUTED,
    since="0.1.0",
)


def check(run: Run, history: History) -> Iterator[Finding]:
    """Yield the code claim that no reachable commit supports.

    1. The recorded commit is reachable and has the recorded tree.
    2. Else another reachable commit has the recorded tree (rebased).
    3. Else the head has the same bytes at every path that the run read (squashed).
    """
    code = run.code
    if code is None or (code.commit is None and code.tree is None):
        raise Inconclusive(run.why_unavailable("/code/commit") or "the run records no commit and no tree")
    if code.commit and history.reaches(code.commit):
        actual = history.repository.tree(code.commit)
        if code.tree is not None and actual != code.tree:
            yield Finding(
                message=f"commit {code.commit[:12]} has tree {actual and actual[:12]}, the manifest says {code.tree[:12]}",
                pointer="/code/tree",
                fix="record the run again; the tree identifies the code and is read from git, not typed",
            )
        return
    if code.tree and history.commit_with_tree(code.tree):
        return
    if history.repository.is_shallow and not (code.commit and history.has(code.commit)):
        raise Inconclusive("this clone is shallow and the commit may lie behind its edge (git fetch --unshallow)")
    try:
        different = history.same_reads(run)
    except Inconclusive:
        different = ["(no reads were recorded to compare by)"]
    if different:
        yield Finding(
            message=f"no commit that {history.head[:12]} reaches has the recorded tree {(code.tree or '?')[:12]}, "
            f"and the code differs at {', '.join(different[:5])}",
            pointer="/code/commit" if code.commit else "/code/tree",
            fix="push the commit that the run was made from, or record the run again on this branch",
        )
