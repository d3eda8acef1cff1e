"""Flags steps that the configured epochs and batches cannot have taken.

## Why it matters
An epoch over n rows in batches of b takes ceil(n / b) steps. A run that logged more steps than its
configuration allows was made with other values, or with other data, than it says.

## How to fix
Record the run again. Where a step means something else here, a sample or an evaluation, log it under
another name.

## When it cannot decide
When the training data's number of records is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from auditor.api import EvidenceLevel, Finding, Inconclusive, NotApplicable, Rule, Run, Severity

RULE: Final = Rule(
    id="configuration/impossible-step-count",
    summary="Steps that the configured epochs and batches cannot have taken.",
    severity=Severity.MINOR,
    evidence=EvidenceLevel.CONSISTENT,
    since="0.1.0",
)

_EPOCHS = frozenset({"epochs", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs"})
_BATCH = frozenset({"batch", "batch_size", "batchsize", "train_batch_size"})
_STEPS = frozenset({"steps", "max_steps", "num_steps", "total_steps", "train_steps"})


def check(run: Run) -> Iterator[Finding]:
    """Yield each metric, and the checkpoints, that lie behind the last step there can have been."""
    effective = run.configuration.effective if run.configuration is not None else {}
    epochs, batch = _positive(effective, _EPOCHS), _positive(effective, _BATCH)
    limit = _positive(effective, _STEPS)
    if limit is None and (epochs is None or batch is None):
        raise NotApplicable("the configuration names neither a number of steps, nor epochs and a batch size")
    if limit is None and epochs is not None and batch is not None:
        records = [data.records for data in run.data if data.role == "train"]
        if not records or None in records:
            raise Inconclusive("the number of training records is not recorded")
        limit = epochs * math.ceil(sum(count for count in records if count is not None) / batch)
    claimed = [(f"/metrics/{i}/step", f"{m.name} is given for step", m.step) for i, m in enumerate(run.metrics)]
    if run.checkpoints is not None and run.checkpoints.interval and run.checkpoints.count:
        # The first checkpoint may be that of step 0.
        last = run.checkpoints.interval * (run.checkpoints.count - 1)
        claimed.append(("/checkpoints/count", "the last checkpoint is that of step", last))
    for pointer, words, step in claimed:
        if step is not None and limit is not None and step > limit:
            yield Finding(
                message=f"{words} {step}; the configuration allows for {limit}",
                pointer=pointer,
                fix="record the run again, or log what is no optimiser step under another name",
            )


def _positive(effective: dict[str, object], names: frozenset[str]) -> int | None:
    """The only positive whole number under one of ``names`` at any depth but in lists; None for none or several."""
    found = set()
    waiting: list[tuple[str, object]] = list(effective.items())
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += list(value.items())
        elif key.lower() in names and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            found.add(value)
    return found.pop() if len(found) == 1 else None
