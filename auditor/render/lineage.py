"""The lineage of one digest as text, as a drawing, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from xml.sax.saxutils import escape

from auditor.evidence.lineage import Edge, Graph, metrics_of
from auditor.render.text import visible

_SHORT = 19
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 250, 46, 60, 18
_FILL = {"run": "#dbeafe", "snapshot": "#dcfce7", "artifact": "#fef9c3", "unknown": "#f3f4f6"}


def text(graph: Graph, start: str) -> str:
    """Two trees, one upward and one downward, then what is wrong, what a revocation would reach, and metrics by revision."""
    lines = [_line(graph, start), "", "made from"]
    lines += _tree(graph, start, graph.parents, lambda edge: edge.parent) or ["  nothing known"]
    lines += ["", "made into"]
    lines += _tree(graph, start, graph.children, lambda edge: edge.child) or ["  nothing known"]
    models = sorted(
        {model for one in (start, *graph.descendants(start)) if one in graph.nodes for model in graph.nodes[one].models}
    )
    lines += ["", f"revoking it would reach {len(graph.descendants(start))} digests{_listed(models)}"]
    lines += _table(graph, start)
    lines += [f"circle: {' from '.join(_name(graph, one) for one in way)}" for way in graph.cycles()]
    near = {start, *graph.ancestors(start), *graph.descendants(start)}
    lines += [
        f"dangling: {_name(graph, edge.child)} was {edge.relation} {edge.parent}, which nothing here is known by"
        for edge in graph.dangling()
        if edge.child in near
    ]
    return "\n".join(visible(line) for line in lines)


def as_json(graph: Graph, start: str) -> str:
    """The part of the graph that hangs together with ``start``."""
    near = [start, *graph.ancestors(start), *graph.descendants(start)]
    edges = [edge for edge in graph.edges if edge.child in near and edge.parent in near]
    value = {
        "schema": "auditor/lineage/v1",
        "start": start,
        "nodes": [_node(graph, one) for one in near],
        "edges": [{"child": e.child, "parent": e.parent, "relation": e.relation, "why": e.why} for e in edges],
        "ancestors": graph.ancestors(start),
        "descendants": graph.descendants(start),
        "revoked": [{"digest": one, "reason": why} for one, why in graph.revoked_in(start)],
        "cycles": graph.cycles(),
        "dangling": [e.parent for e in graph.dangling() if e.child in near],
        "revisions": [{"digest": one, "why": why, "metrics": metrics_of(graph, one)} for one, why in graph.revisions(start)],
    }
    return json.dumps(value, indent=2)


def svg(graph: Graph, start: str) -> str:
    """A drawing, parents on the left: one column a step, one box a digest."""
    columns = _columns(graph, start)
    place: dict[str, tuple[int, int]] = {}
    for x, column in enumerate(columns):
        for y, one in enumerate(column):
            place[one] = (x * (_WIDTH + _GAP_X) + 10, y * (_HEIGHT + _GAP_Y) + 10)
    width = len(columns) * (_WIDTH + _GAP_X) - _GAP_X + 20
    height = max(map(len, columns)) * (_HEIGHT + _GAP_Y) - _GAP_Y + 20
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" role="img">']
    parts.append(f"<title>Lineage of {escape(start)}</title>")
    parts += [_arrow(place, edge) for edge in graph.edges if edge.child in place and edge.parent in place]
    parts += [_box(graph, one, spot, chosen=one == start) for one, spot in place.items()]
    return "\n".join([*parts, "</svg>"])


RENDERERS: Mapping[str, Callable[[Graph, str], str]] = {"text": text, "json": as_json, "svg": svg}
"""Every format that ``auditor lineage`` knows, by name."""


def _tree(
    graph: Graph, start: str, onward: Callable[[str], list[Edge]], end: Callable[[Edge], str], *, above: tuple[str, ...] = ()
) -> list[str]:
    lines: list[str] = []
    for edge in onward(start):
        one = end(edge)
        circle = one in above or one == start
        lines.append(f"{'  ' * (len(above) + 1)}{edge.relation}: {_line(graph, one)}{'  (a circle)' if circle else ''}")
        if not circle:
            lines += _tree(graph, one, onward, end, above=(*above, start))
    return lines


def _table(graph: Graph, start: str) -> list[str]:
    """The metrics of the runs on each revision of a snapshot, in one table."""
    revisions = graph.revisions(start)
    rows = [(one, why, run, metrics) for one, why in revisions for run, metrics in metrics_of(graph, one).items()]
    names = sorted({name for *_, metrics in rows for name in metrics})
    if not rows or not names:
        return []
    lines = ["", f"metrics across {len(revisions)} revision{'' if len(revisions) == 1 else 's'} of the data"]
    head = ["revision", "run", *names, "why"]
    body = [
        [one[:_SHORT], run, *(f"{metrics[n]:.6g}" if n in metrics else "-" for n in names), why or ""]
        for one, why, run, metrics in rows
    ]
    widths = [max(len(row[column]) for row in [head, *body]) for column in range(len(head))]
    return lines + [
        "  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in [head, *body]
    ]


def _line(graph: Graph, one: str) -> str:
    node = graph.nodes.get(one)
    if node is None:
        return f"{one[:_SHORT]}  not known here{_revoked(graph, one)}"
    return f"{one[:_SHORT]}  {node.label}{_listed(node.models)}{_revoked(graph, one)}"


def _revoked(graph: Graph, one: str) -> str:
    return f"  REVOKED: {graph.revocations[one]}" if one in graph.revocations else ""


def _name(graph: Graph, one: str) -> str:
    return graph.nodes[one].label if one in graph.nodes else one[:_SHORT]


def _listed(models: list[str]) -> str:
    return f"  [{', '.join(models)}]" if models else ""


def _node(graph: Graph, one: str) -> dict[str, object]:
    node = graph.nodes.get(one)
    revoked = graph.revocations.get(one)
    if node is None:
        return {"digest": one, "kind": "unknown", "names": [], "models": [], "revoked": revoked}
    return {"digest": one, "kind": node.kind, "names": node.names, "models": node.models, "revoked": revoked}


def _columns(graph: Graph, start: str) -> list[list[str]]:
    up = list(_levels(start, lambda one: [edge.parent for edge in graph.parents(one)]))
    down = list(_levels(start, lambda one: [edge.child for edge in graph.children(one)]))
    return [*reversed(up), [start], *down]


def _levels(start: str, onward: Callable[[str], list[str]]) -> Iterator[list[str]]:
    seen, level = {start}, [start]
    while level:
        level = list(dict.fromkeys(one for node in level for one in onward(node) if one not in seen))
        seen |= set(level)
        if level:
            yield level


def _arrow(place: Mapping[str, tuple[int, int]], edge: Edge) -> str:
    (x1, y1), (x2, y2) = place[edge.parent], place[edge.child]
    start, end = (x1 + _WIDTH, y1 + _HEIGHT // 2), (x2, y2 + _HEIGHT // 2)
    return (
        f'<line x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" stroke="#6b7280">'
        f"<title>{escape(visible(edge.relation))}</title></line>"
    )


def _box(graph: Graph, one: str, spot: tuple[int, int], *, chosen: bool) -> str:
    node = graph.nodes.get(one)
    revoked = one in graph.revocations
    fill = "#fecaca" if revoked else _FILL[node.kind if node is not None else "unknown"]
    label = visible(node.label if node is not None else "not known here")
    x, y = spot
    size = f'x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"'
    return (
        f"<g><title>{escape(visible(_line(graph, one)))}</title>"
        f'<rect {size} fill="{fill}" stroke="#374151" stroke-width="{3 if chosen else 1}"/>'
        f'<text x="{x + 10}" y="{y + 19}">{escape(label[:34])}</text>'
        f'<text x="{x + 10}" y="{y + 36}" fill="#6b7280">{escape(one[:_SHORT])}{" revoked" if revoked else ""}</text></g>'
    )
