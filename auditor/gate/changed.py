"""Finds what a change brings to a merge gate: manifests, covered files, another policy, edited rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import PolicyError
from auditor.evidence.change import Remark
from auditor.evidence.claimed import Scratch
from auditor.gate.audit import Progress, silent
from auditor.gate.carried import Carried, Carrying
from auditor.gate.refs import Refs
from auditor.gate.subject import Subject, in_commit, select_committed
from auditor.git import Change as PathChange
from auditor.git import Repository
from auditor.globs import matches
from auditor.policy.load import FILE, InvalidPolicyError, LoadedPolicy, read_at

if TYPE_CHECKING:
    from auditor.reproduce.kept import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """What is asked of a merge gate.

    ``manifests`` are paths or patterns; empty judges what the change touches. ``warn`` is told what a person should know
    although it changes nothing. ``carried`` is what executions leave on their way from one machine to another. ``only`` asks
    the checks alone whose id begins with one of these.
    """

    root: Path
    head: str | None = None
    base: str | None = None
    policy_ref: str | None = None
    manifests: Sequence[str] = ()
    carried: Carried = field(default_factory=Carried)
    only: tuple[str, ...] | None = None
    progress: Progress = silent
    warn: Progress = silent


@dataclass(slots=True)
class Case:
    """One change on its way to a verdict, with all that does not depend on which policy judges it."""

    request: Merge
    repository: Repository
    refs: Refs
    changed: list[PathChange]
    base: LoadedPolicy
    head: LoadedPolicy | None
    invalid: tuple[Remark, ...]
    scratch: Scratch
    carrying: Carrying
    subjects: list[Subject] = field(default_factory=list)
    rewritten: tuple[Remark, ...] = ()
    notes: list[str] = field(default_factory=list)
    kept: Kept | None = None

    @property
    def policy_changed(self) -> bool:
        """Whether the head would be judged by other rules than the base."""
        return self.head is None or self.head.digest != self.base.digest


def find(  # noqa: PLR0913  (all that the steps before it found out)
    request: Merge, repository: Repository, refs: Refs, *, base: LoadedPolicy, scratch: Scratch, carrying: Carrying
) -> Case:
    """What the change brings, with all that judging it needs.

    Raises:
        EmptySelectionError: none of the manifests that were asked for is there.
    """
    changed = repository.changes(refs.fork, refs.head)
    head, invalid = _head_policy(repository, refs, changed, base)
    case = Case(request, repository, refs, changed, base, head, invalid, scratch, carrying)
    patterns = base.policy.manifests + (head.policy.manifests if head is not None else ())
    chosen, case.rewritten = _touched(repository, refs, changed, patterns)
    if request.manifests:
        there = [path for path in repository.entries(refs.head) if matches(path, patterns)]
        chosen = select_committed(there, request.manifests, refs.head[:12])
    case.subjects = [in_commit(repository, refs.head, path) for path in chosen]
    _say_uncommitted(case, patterns)
    return case


def _head_policy(
    repository: Repository, refs: Refs, changed: Iterable[PathChange], base: LoadedPolicy
) -> tuple[LoadedPolicy | None, tuple[Remark, ...]]:
    """The head's policy and why it is invalid; the base's where the change does not touch it.

    A policy that moved on the base after the branch was made is no change of the branch's.
    """
    if not any(FILE in {change.path, change.former} for change in changed):
        return base, ()
    try:
        return read_at(repository, refs.head), ()
    except InvalidPolicyError as error:
        return None, tuple(Remark(message=f.message, pointer=f.pointer, file=f.file, line=f.line) for f in error.findings)
    except PolicyError as error:
        return None, (Remark(message=error.message, file=FILE),)


def _touched(
    repository: Repository, refs: Refs, changed: Iterable[PathChange], patterns: tuple[str, ...]
) -> tuple[list[str], tuple[Remark, ...]]:
    """The manifests that the change brings, and those of the base that it rewrites.

    A manifest is identified by its canonical digest: moved, or written in another order, it is the same manifest. Only what
    changed is looked at, however many manifests there are.
    """
    changed = list(changed)
    brought = {each.path for each in changed if each.status != "D" and matches(each.path, patterns)}
    former = {each.former or each.path for each in changed if each.status not in {"A", "C"}}
    gone = {path for path in former if matches(path, patterns)}
    old = {path: in_commit(repository, refs.fork, path).digest for path in gone}
    new = {path: in_commit(repository, refs.head, path).digest for path in brought}
    kept, known = set(new.values()), set(old.values())
    remarks = [
        Remark(message="a merged manifest was " + ("changed" if path in brought else "deleted"), file=path, line=1)
        for path in sorted(gone)
        if old[path] not in kept
    ]
    return sorted(path for path, digest in new.items() if digest not in known), tuple(remarks)


def _say_uncommitted(case: Case, patterns: tuple[str, ...]) -> None:
    """Name the manifests whose working copy is not what is judged."""
    if case.refs.head != case.repository.commit("HEAD"):
        return
    status = case.repository.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    for line in status.decode(errors="surrogateescape").split("\0"):
        path = line[3:]
        if path and matches(path, patterns):
            case.request.warn(f"{path} differs in the working tree; the committed content is judged")


def edited_rules(case: Case) -> tuple[Remark, ...]:
    """The base's own checks and bands that the change rewrites or removes; what they ask afterwards cannot be ordered."""
    policy = case.base.policy
    below = tuple(f"{folder.strip('/')}/" for folder in policy.checks)
    touched = sorted({change.former or change.path for change in case.changed if change.status != "A"})
    checks = [path for path in touched if below and path.startswith(below) and path.endswith(".py")]
    what = dict.fromkeys(checks, "one of the project's own checks") | dict.fromkeys(policy.bands, "a file of bands")
    return tuple(
        Remark(message=f"{what[path]} was changed or removed; the base's still judges", file=path)
        for path in touched
        if path in what
    )


def work_tree(case: Case) -> Path:
    """Where files outside the commits may lie: the work tree, or an empty folder for a repository that has none."""
    if not case.repository.is_bare:
        return case.repository.root
    empty = case.scratch() / "no-work-tree"
    empty.mkdir(exist_ok=True)
    return empty
