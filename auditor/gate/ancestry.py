"""The lineage graph of a repository, seen from one digest."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from auditor import digest
from auditor.errors import EmptySelectionError, UnreadableError
from auditor.evidence.kinship import gather
from auditor.evidence.lineage import Graph
from auditor.gate.refs import default_branch
from auditor.git import Repository
from auditor.ledger.ledger import open_ledger
from auditor.manifest.reader import read_file
from auditor.policy.load import FILE, load, read_at

_DIGEST = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}")


def ancestry(start: Path, given: str) -> tuple[Graph, str]:
    """The whole graph, and the digest in it that ``given`` (a digest, the beginning of one, or a file) stands for.

    Raises:
        EmptySelectionError: nothing here is known by it.
    """
    with Repository.discover(start) as repository:
        named = default_branch(repository)
        commit = repository.commit(named) if named is not None else None
        policy = (read_at(repository, commit) if commit is not None else load(None, source=FILE)).policy
        with open_ledger(policy.kept.url, repository, writable=False) as ledger:
            history = ("--all",) if repository.commit("HEAD") is not None else ()
            graph = gather(repository, policy.manifests, commits=history, tree=repository.root, ledger=ledger)
        return graph, _found(graph, given, start)


def _found(graph: Graph, given: str, start: Path) -> str:
    known = {*graph.nodes, *(edge.parent for edge in graph.edges), *graph.revocations}
    if _DIGEST.fullmatch(given):
        wanted = given if given.startswith("sha256:") else f"sha256:{given}"
        matching = sorted(one for one in known if one.startswith(wanted))
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise EmptySelectionError(f"{given} is the beginning of {len(matching)} digests", hint="write more of it")
    file = start / given
    if file.is_file():
        for value in _digests(file):
            if value in known:
                return value
    raise EmptySelectionError(f"nothing in this repository is known by {given}", hint="give a digest, or a file's path")


def _digests(file: Path) -> list[str]:
    """What a file may be known by: its bytes, or what it says when it is a manifest."""
    values = [digest.of_file(file)[0]]
    if file.name.endswith((".run.yaml", ".run.json")):
        with suppress(UnreadableError):
            values.append(read_file(file).digest)
    return values
