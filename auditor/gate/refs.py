"""Resolves which commits a merge gate compares, and whose policy decides."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import UndecidableError, UsageError
from auditor.gate.event import payload
from auditor.git import Repository

_NONE = "0" * 40
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """The commits of one merge gate, as full ids.

    ``fork`` is the merge base: what changed is ``fork..head``. ``policy`` is where the policy is read: the base's tip.
    """

    head: str
    base: str
    fork: str
    policy: str
    named: str


def resolve(repository: Repository, *, head: str | None, base: str | None, policy_ref: str | None) -> Refs:
    """The commits to compare; what is not given comes from the GitHub event, then from the repository.

    Raises:
        UsageError: a given ref names no commit.
        UndecidableError: there is no base to compare with, no common ancestor, or not the event's head in this clone.
    """
    event = _event()
    if event:
        repository.complete(*(sha for sha in event.values() if _SHA.fullmatch(sha)))
    head_commit = _commit(repository, head or event.get("head") or "HEAD", given=head)
    named = base or event.get("base") or default_branch(repository)
    if named is None:
        raise UndecidableError(
            "there is no base to compare with: no origin/HEAD, no branch main or master",
            hint="name one with --base REF, or fetch it (actions/checkout: fetch-depth: 0)",
        )
    base_commit = repository.commit(named)
    if base_commit is None:
        raise UndecidableError(
            f"the base {named!r} names no commit in this clone",
            hint="fetch it first: git fetch origin (in a shallow clone: git fetch --unshallow)",
        )
    fork = repository.merge_base(base_commit, head_commit)
    if fork is None:
        raise UndecidableError(
            f"{named!r} and the head have no common ancestor in this clone",
            hint="git fetch --unshallow" if repository.is_shallow else "compare branches of one history",
        )
    policy = base_commit if policy_ref is None else _commit(repository, policy_ref, given=policy_ref)
    return Refs(head=head_commit, base=base_commit, fork=fork, policy=policy, named=named)


def default_branch(repository: Repository) -> str | None:
    """The ref of the default branch: the remote's, else a local main or master, else None."""
    for ref in ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master"):
        if repository.commit(ref) is not None:
            return ref
    return None


def in_ci() -> bool:
    """Whether this process runs in continuous integration, where nothing may run without isolation."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def _commit(repository: Repository, ref: str, *, given: str | None) -> str:
    commit = repository.commit(ref)
    if commit is not None:
        return commit
    if given is None and ref != "HEAD":
        raise UndecidableError(
            f"the event's head {ref[:12]} is not in this clone",
            hint="fetch it first (actions/checkout: ref, fetch-depth: 0)",
        )
    if given is None:
        raise UsageError("the repository has no commit yet", hint="commit first; the gate judges committed content")
    raise UsageError(f"{ref!r} names no commit in this repository", hint="git log --all shows what there is")


def _event() -> dict[str, str]:
    """Head and base of the pull request, merge group or push that a GitHub Actions job runs for; empty elsewhere."""
    path = os.environ.get("GITHUB_EVENT_PATH")
    if not path or os.environ.get("GITHUB_ACTIONS") != "true":
        return {}
    told = payload(Path(path))
    request, group = told.get("pull_request"), told.get("merge_group")
    if isinstance(request, dict):
        return {key: sha for key in ("head", "base") if (sha := _sha(request.get(key)))}
    if isinstance(group, dict):
        return {key: str(group[f"{key}_sha"]) for key in ("head", "base") if f"{key}_sha" in group}
    # A new branch has no commit before it; there the default branch is the base.
    if {"before", "after"} <= told.keys() and _NONE not in {str(told["before"]), str(told["after"])}:
        return {"head": str(told["after"]), "base": str(told["before"])}
    return {}


def _sha(side: object) -> str | None:
    sha = side.get("sha") if isinstance(side, dict) else None
    return sha if isinstance(sha, str) else None
