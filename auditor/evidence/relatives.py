"""The other runs of the repository, as the judged commit holds them: who descends from whom."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from auditor.errors import UnreadableError
from auditor.evidence.history import History
from auditor.evidence.manifest import Manifest
from auditor.evidence.rules import Rules
from auditor.evidence.unanswered import Inconclusive
from auditor.globs import matches
from auditor.manifest.reader import read
from auditor.model.run import Run

_KEPT: OrderedDict[tuple[str, str, tuple[str, ...]], tuple[Relative, ...]] = OrderedDict()
"""By repository, commit and patterns: a commit's content never changes. Two, so that a base and a head both fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """What of another run its relatives need to know. ``digest`` is the canonical digest of its manifest."""

    path: str
    digest: str
    started: str | None
    parents: frozenset[str]
    artifacts: frozenset[str]
    seeds: frozenset[str]


def relatives(history: History, rules: Rules) -> tuple[Relative, ...]:
    """Every readable run in the judged commit, by path. Read once for all audits of a command."""
    key = (str(history.repository.common_dir), history.tip, rules.policy.manifests)
    if key not in _KEPT:
        _KEPT[key] = tuple(_committed(history, rules))
        while len(_KEPT) > 2:
            _KEPT.popitem(last=False)
    return _KEPT[key]


def _committed(history: History, rules: Rules) -> list[Relative]:
    found = []
    for path in sorted(history.repository.entries(history.tip)):
        if not matches(path, rules.policy.manifests):
            continue
        content = history.repository.read(history.tip, path)
        try:
            document = read(content or b"", source=path)
            found.append(relative(path, document.digest, Manifest(path, document).run))
        except (UnreadableError, Inconclusive):
            continue
    return found


def relative(path: str, digest: str, run: Run) -> Relative:
    """``run`` as its relatives see it."""
    parents = run.lineage.parents if run.lineage is not None else ()
    seeds = run.randomness.seeds if run.randomness is not None else {}
    return Relative(
        path=path,
        digest=digest,
        started=run.run.started,
        parents=frozenset(parent.digest for parent in parents),
        artifacts=frozenset(artifact.digest for artifact in run.artifacts if artifact.digest is not None),
        seeds=frozenset(f"{name}={seed.value}" for name, seed in seeds.items() if seed.at != "PYTHONHASHSEED"),
    )


def cycle(start: Relative, others: tuple[Relative, ...]) -> list[str] | None:
    """The paths of the runs on a way from ``start`` over parents back to it, None when there is none."""
    producers: dict[str, list[Relative]] = {}
    for one in (start, *(other for other in others if other.path != start.path)):
        for digest in {one.digest, *one.artifacts}:
            producers.setdefault(digest, []).append(one)
    waiting = [(start, [start.path])]
    seen: set[str] = set()
    while waiting:
        node, way = waiting.pop()
        for parent in sorted(node.parents):
            for producer in producers.get(parent, ()):
                if producer.path == start.path:
                    return [*way, start.path]
                if producer.path not in seen:
                    seen.add(producer.path)
                    waiting.append((producer, [*way, producer.path]))
    return None
