"""Gathers the lineage graph: manifests of the working tree and of git's history, registrations and revocations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from auditor.errors import UnreadableError
from auditor.evidence.lineage import Graph
from auditor.evidence.manifest import Manifest
from auditor.git import Repository
from auditor.globs import matches
from auditor.ledger.entry import Entry, Kind
from auditor.ledger.ledger import Ledger
from auditor.manifest.limits import DEFAULT
from auditor.manifest.reader import read


def gather(
    repository: Repository,
    patterns: tuple[str, ...],
    *,
    commits: tuple[str, ...] = ("--all",),
    tree: Path | None = None,
    ledger: Ledger | None = None,
) -> Graph:
    """The graph of all that the history of ``commits``, the working tree at ``tree`` and the ledger know."""
    graph = Graph()
    for path, raw in (*_committed(repository, patterns, commits), *(_lying(tree, patterns) if tree is not None else ())):
        try:
            document = read(raw, source=path)
        except UnreadableError:
            continue
        graph.add(Manifest(path, document), document.digest)
    if ledger is not None:
        for entry in ledger.entries(Kind.REGISTRATION):
            graph.register(entry.subjects, str(entry.body.get("version", "")))
        for entry in ledger.entries(Kind.REVOCATION):
            for subject in entry.subjects:
                graph.revoke(subject, reason_of(entry))
    return graph


def reason_of(entry: Entry) -> str:
    """Why an entry was written, and when."""
    return f"{entry.body.get('reason') or 'no reason was given'} ({entry.written[:10]})"


def _committed(repository: Repository, patterns: tuple[str, ...], commits: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Every version of every manifest that these commits reach, each blob once."""
    listed = repository.run("rev-list", "--objects", *commits)
    seen = set()
    for line in listed.decode(errors="surrogateescape").split("\n"):
        sha, _, path = line.partition(" ")
        if path and sha not in seen and matches(path, patterns):
            seen.add(sha)
            raw = repository.read_object(sha)
            if raw is not None and len(raw) <= DEFAULT.size:
                yield path, raw


def _lying(tree: Path, patterns: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for pattern in patterns:
        for path in sorted(tree.glob(pattern)):
            if path.is_file() and path.stat().st_size <= DEFAULT.size:
                yield path.relative_to(tree).as_posix(), path.read_bytes()
