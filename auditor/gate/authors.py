"""Who made a run, so that nobody approves their own work."""

from __future__ import annotations

import re

from auditor.evidence.unanswered import Inconclusive
from auditor.gate.subject import Subject
from auditor.git import Repository
from auditor.model.policy import Trust

_ADDRESS = re.compile(r"<([^<>]+)>")


def authors_of(repository: Repository, subject: Subject, trust: Trust) -> frozenset[str]:
    """Who made a run, by name, address, and as the policy calls them.

    They are the manifest's author, and the authors and committers of its code and of each commit that touched the manifest.
    """
    found: set[str] = set()
    commits = []
    try:
        run = subject.manifest.run
        if run.run.author:
            found |= {run.run.author, *_ADDRESS.findall(run.run.author)}
        if run.code is not None and run.code.commit is not None:
            commits.append(run.code.commit)
    except Inconclusive:
        pass
    form = "--format=%ae%n%ce%n%an%n%cn"
    for commit in commits:
        if repository.commit(commit) is not None:
            found |= set((repository.ask("show", "--no-patch", form, commit) or "").splitlines())
    found |= set((repository.ask("log", "--follow", form, "--", subject.path) or "").splitlines())
    people = {person for name in found if isinstance(person := trust.identities.get(name), str)}
    return frozenset(name for name in found | people if name)
