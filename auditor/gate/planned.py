"""Says what a reproduction would execute, in which order, and what that would cost; nothing is executed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from auditor.errors import UndecidableError
from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive
from auditor.gate.subject import from_file, select_files
from auditor.gate.worktree import Rehearsal, policy_of, root_of
from auditor.git import Repository
from auditor.model.run import Run
from auditor.model.words import Isolation
from auditor.policy.load import duration
from auditor.reproduce.plan import Step
from auditor.reproduce.plan import plan as steps_of
from auditor.reproduce.staged import stage_of


def plan(rehearsal: Rehearsal) -> str:
    """What :func:`auditor.gate.worktree.reproduce` would execute, in words.

    Raises:
        PolicyError, EmptySelectionError, UsageError, UndecidableError: nothing could be executed; each says why.
    """
    look = rehearsal.look
    root, repository = root_of(look.root)
    policy = policy_of(root).policy
    gate = policy.gates.merge
    lines: list[str] = []
    try:
        for path in select_files(root, look.manifests, policy.manifests):
            manifest = from_file(root, path).manifest
            if manifest.error is not None:
                raise manifest.error
            run = manifest.run
            steps = steps_of(run, rehearsal.tiers or gate.tiers, stage=rehearsal.stage)
            lines += [_head(path, run, repository), *_told(run, steps)]
            lines.append(_sum(steps, duration(gate.budget) if gate.budget else None))
    except Inconclusive as unanswered:
        raise UndecidableError(unanswered.reason) from None
    finally:
        if repository is not None:
            repository.close()
    chosen = gate.isolation if rehearsal.isolation is None else (rehearsal.isolation,)
    return "\n".join([*lines, *_sandboxes(chosen)])


def _sandboxes(chosen: Sequence[Isolation]) -> list[str]:
    """What the promises of each kind of isolation came to on this machine."""
    from auditor.reproduce.sandbox import trial  # noqa: PLC0415  (only when somebody asks)

    lines = []
    for isolation in chosen:
        tried = trial(isolation)
        lines.append(
            f"isolation {isolation}: {'can be used' if tried.sandbox is not None else f'not here ({tried.reason})'}"
        )
        if isolation is Isolation.NONE:
            lines.append("  it promises nothing: the command runs as you, with your files and your network")
        for promise in tried.promises:
            lines.append(f"  {'BROKEN' if promise.broken else 'kept'}: {promise.name}: {promise.words}")
            lines += [f"    {words}" for words in promise.broken]
    return lines


def _head(path: str, run: Run, repository: Repository | None) -> str:
    head = repository.commit("HEAD") if repository is not None else None
    source = History(repository, head).source(run) if repository is not None and head is not None else None
    return f"{path}: files of commit {source[:12]}" if source else f"{path}: its code is not in this clone"


def _told(run: Run, steps: tuple[Step, ...]) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        each = step.reproduction
        command = shlex.join(each.command or (run.code.entrypoint if run.code is not None else ()))
        scale = ", ".join(f"{key}={value}" for key, value in each.scale.items()) or "nothing"
        stage = stage_of(run, each)
        within = f" of stage {stage.name!r}" if stage is not None else ""
        yield f"  {number}. {each.tier} {each.name!r}{within}: execute {command}"
        yield f"    scaled down: {scale}; took: {_seconds(step.seconds)}; time limit: {each.timeout or 'none'} s"
        yield f"    removed first, expected back: {', '.join(each.outputs) or 'the declared outputs'}"
        if each.needs is not None and (each.needs.accelerator or each.needs.memory):
            memory = f"{each.needs.memory} bytes of memory" if each.needs.memory else ""
            yield f"    needs: {', '.join(filter(None, ('an accelerator' if each.needs.accelerator else '', memory)))}"
    left = [each for each in run.reproductions if each not in [step.reproduction for step in steps]]
    for each in left:
        yield f"  {each.tier} {each.name!r}: leave out (its tier or stage is not asked for)"
    if not steps and not left:
        yield "  no reproduction"


def _sum(steps: tuple[Step, ...], budget: float | None) -> str:
    known = sum(step.seconds for step in steps if step.seconds is not None)
    unknown = sum(step.seconds is None for step in steps)
    total = f"about {known:.0f} s" + (f" and {unknown} short or unmeasured" if unknown else "")
    limit = f", of a budget of {budget:.0f} s" if budget is not None else ""
    return f"  once each: {total}{limit}; seeds and repetitions take two to four executions; the first divergence ends it"


def _seconds(seconds: float | None) -> str:
    return "at most 20 s, or unmeasured" if seconds is None else f"about {seconds:.1f} s"
