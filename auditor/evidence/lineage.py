"""Who descends from whom: runs, data snapshots, artifacts and registered models, all by digest.

The graph is built from manifests, which are claims, and from the ledger. Claims of a stranger's manifest can add ancestors
to a digest and take none away, so that what was revoked cannot be hidden by writing another manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditor.evidence.manifest import Manifest
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Run

Kind = Literal["run", "snapshot", "artifact"]

REPLACES = "supersedes"
"""The one relation that is no descent: the newer one was not made from the older one."""


@dataclass(slots=True, kw_only=True)
class Node:
    """Something known by its digest. ``names`` are what manifests call it, ``models`` the registry versions it is in."""

    digest: str
    kind: Kind
    names: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    revoked: str | None = None

    @property
    def label(self) -> str:
        """What to call it when speaking to people."""
        return f"{self.kind} {', '.join(self.names[:3])}" if self.names else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``child`` was made from ``parent``, or supersedes it; ``why`` is the reason given."""

    child: str
    parent: str
    relation: str
    why: str | None = None


@dataclass(slots=True)
class Graph:
    """Everything known, and how it hangs together. ``revocations`` are of any digest, known here or not."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    revocations: dict[str, str] = field(default_factory=dict)
    _up: dict[str, list[Edge]] = field(default_factory=dict)
    _down: dict[str, list[Edge]] = field(default_factory=dict)

    def add(self, manifest: Manifest, digest: str) -> None:
        """Add what a manifest says; one that cannot be understood says nothing."""
        try:
            run = manifest.run
        except Inconclusive:
            return
        if not self._node(digest, "run", manifest.path, run):
            return
        for artifact in run.artifacts:
            if artifact.digest is not None:
                self._node(artifact.digest, "artifact", artifact.path or artifact.name, run)
                self._edge(artifact.digest, digest, "written by")
        self._read(run, digest)
        for parent in run.lineage.parents if run.lineage is not None else ():
            self._edge(digest, parent.digest, parent.relation)
        if run.run.supersedes is not None:
            self._edge(digest, run.run.supersedes.digest, REPLACES, run.run.supersedes.reason)

    def _read(self, run: Run, digest: str) -> None:
        """Add the snapshots that a run read, what they replaced, and what they were made from."""
        named = {name: data.digest for data in run.data for name in (data.name, data.path) if name is not None}
        for data in run.data:
            if data.digest is None:
                continue
            self._node(data.digest, "snapshot", data.name, run)
            self._edge(digest, data.digest, f"read as {data.role}")
            if data.supersedes is not None:
                self._edge(data.digest, data.supersedes.digest, REPLACES, data.supersedes.reason)
            for step in data.transformations:
                for source in (named.get(name) for name in step.inputs):
                    if source is not None and source != data.digest:
                        self._edge(data.digest, source, f"made by {step.name} from")

    def register(self, digests: Iterable[str], model: str) -> None:
        """Say that a registry has these bytes as a version of a model."""
        for digest in digests:
            if digest in self.nodes and model not in self.nodes[digest].models:
                self.nodes[digest].models.append(model)

    def revoke(self, digest: str, reason: str) -> None:
        """Say that somebody revoked this digest."""
        self.revocations.setdefault(digest, reason)
        if digest in self.nodes:
            self.nodes[digest].revoked = self.revocations[digest]

    def parents(self, digest: str) -> list[Edge]:
        """What ``digest`` was made from."""
        return [edge for edge in self._up.get(digest, ()) if edge.relation != REPLACES]

    def children(self, digest: str) -> list[Edge]:
        """What was made from ``digest``."""
        return [edge for edge in self._down.get(digest, ()) if edge.relation != REPLACES]

    def ancestors(self, digest: str) -> list[str]:
        """Everything that ``digest`` descends from, nearest first, without itself."""
        return self._reach(digest, lambda one: [edge.parent for edge in self.parents(one)])

    def descendants(self, digest: str) -> list[str]:
        """Everything that descends from ``digest``, nearest first, without itself."""
        return self._reach(digest, lambda one: [edge.child for edge in self.children(one)])

    def revoked_in(self, digest: str) -> list[tuple[str, str]]:
        """What of ``digest`` and its ancestors was revoked, with the reasons."""
        return [(one, self.revocations[one]) for one in (digest, *self.ancestors(digest)) if one in self.revocations]

    def revisions(self, digest: str) -> list[tuple[str, str | None]]:
        """The snapshots (or runs) that replaced each other around ``digest``, oldest first, with the reason for each."""
        chain: list[tuple[str, str | None]] = []
        seen = {digest}
        oldest = digest
        while older := [e for e in self._up.get(oldest, ()) if e.relation == REPLACES and e.parent not in seen]:
            oldest = older[0].parent
            seen.add(oldest)
        waiting: list[tuple[str, str | None]] = [(oldest, None)]
        listed: set[str] = set()
        while waiting:
            one, why = waiting.pop(0)
            if one in listed:
                continue
            listed.add(one)
            chain.append((one, why))
            waiting += [(e.child, e.why) for e in self._down.get(one, ()) if e.relation == REPLACES]
        return chain

    def cycles(self) -> list[list[str]]:
        """Digests that descend from themselves, one list a circle."""
        found, done = [], set()
        for start in self.nodes:
            way: list[str] = []
            stack: list[tuple[str, Iterator[Edge]]] = [(start, iter(self.parents(start)))] if start not in done else []
            on = {start}
            while stack:
                one, rest = stack[-1]
                edge = next(rest, None)
                if edge is None:
                    stack.pop()
                    on.discard(one)
                    done.add(one)
                elif edge.parent in on:
                    way = [node for node, _ in stack]
                    found.append([*way[way.index(edge.parent) :], edge.parent])
                elif edge.parent not in done:
                    on.add(edge.parent)
                    stack.append((edge.parent, iter(self.parents(edge.parent))))
        return found

    def dangling(self) -> list[Edge]:
        """The edges that lead to a digest that nothing here is known by."""
        return [edge for edge in self.edges if edge.parent not in self.nodes]

    def _node(self, digest: str, kind: Kind, name: str, run: Run) -> bool:
        """Name a digest, and tell whether this is said of it for the first time. A written file that is read stays one."""
        node = self.nodes.setdefault(digest, Node(digest=digest, kind=kind, revoked=self.revocations.get(digest)))
        if kind == "artifact" and node.kind == "snapshot":
            node.kind = kind
        if name not in node.names:
            node.names.append(name)
        known = run in node.runs
        if not known:
            node.runs.append(run)
        return not known

    def _edge(self, child: str, parent: str, relation: str, why: str | None = None) -> None:
        edge = Edge(child=child, parent=parent, relation=relation, why=why)
        if edge not in self.edges:
            self.edges[edge] = None
            self._up.setdefault(child, []).append(edge)
            self._down.setdefault(parent, []).append(edge)

    @staticmethod
    def _reach(start: str, onward: Callable[[str], list[str]]) -> list[str]:
        found: dict[str, None] = {}
        waiting = onward(start)
        while waiting:
            one = waiting.pop(0)
            if one not in found and one != start:
                found[one] = None
                waiting += onward(one)
        return list(found)


def metrics_of(graph: Graph, snapshot: str) -> Mapping[str, Mapping[str, float]]:
    """The metrics of every run that read ``snapshot``, by the run's id and the metric's name."""
    runs = [graph.nodes[edge.child] for edge in graph.children(snapshot) if edge.child in graph.nodes]
    return {
        run.run.id: {metric.name: metric.value for metric in run.metrics if metric.value is not None}
        for node in runs
        if node.kind == "run"
        for run in node.runs
    }
