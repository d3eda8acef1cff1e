"""Judges a run before it is started, by what is known then: code, data, configuration and environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from auditor.catalogue.checklists import select
from auditor.catalogue.own import in_work_tree
from auditor.evidence.claimed import Scratch
from auditor.gate.audit import Bench, Executing
from auditor.gate.subject import from_bytes
from auditor.git import Repository
from auditor.model.words import Outcome
from auditor.policy.load import FILE, load

_AFTERWARDS: Final = ("artifacts/", "metrics/", "reproduction/", "randomness/dead-seed")
"""Checks, by beginning of their id, about what only the run can bring."""

_KNOWN: Final = "environment/"
"""All there is to know about the environment is known beforehand: a question about it that has no answer will have none."""


def requirement(checklist: str) -> Callable[[Path, str, bytes], Sequence[str]]:
    """What ``checklist`` has against a run that has not been started: one line for each finding at or above ``block-at``.

    Questions that nothing can answer yet (what the command will read, what it will write) are not held against it.

    Raises:
        UsageError: there is no such checklist. EmptySelectionError: it has no checks about this.
    """
    select(checklist)

    def judge(root: Path, path: str, manifest: bytes) -> Sequence[str]:
        file = root / FILE
        policy = load(file.read_bytes() if file.is_file() else None, source=FILE).policy
        scratch = Scratch()
        try:
            selection = [
                selected
                for selected in select(checklist, policy.severities, in_work_tree(root, policy.checks, scratch))
                if selected.check.judges_run and not selected.check.rule.id.startswith(_AFTERWARDS)
            ]
            with Repository.discover(root) as repository:
                bench = Bench(
                    root=root,
                    repository=repository,
                    judged=None,
                    policy=policy,
                    selection=selection,
                    executing=Executing(),
                    require={},
                    scratch=scratch,
                )
                report, _ = bench.audit(from_bytes(path, manifest))
        finally:
            scratch.close()
        block_at = policy.gates.merge.block_at
        held = [r for r in report.results if r.severity >= block_at and not r.waived]
        unanswered = [
            f"{r.check} ({r.severity}): {r.reason}"
            for r in held
            if r.outcome is Outcome.CRASHED or (r.outcome is Outcome.INCONCLUSIVE and r.check.startswith(_KNOWN))
        ]
        failed = [r for r in held if r.outcome is Outcome.FAILED]
        return unanswered + [f"{r.check} ({r.severity}): {f.message}; {f.fix}" for r in failed for f in r.findings]

    return judge
