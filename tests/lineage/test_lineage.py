from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
import yaml

from auditor.evidence.lineage import Graph, metrics_of
from auditor.evidence.manifest import Manifest
from auditor.manifest.reader import read
from auditor.render.lineage import as_json, svg, text

A, B, C, D, W, X = (f"sha256:{letter * 64}" for letter in "abcdef")
SVG = "{http://www.w3.org/2000/svg}"


def manifest(name, *, data=(), artifacts=(), parents=(), accuracy=None, supersedes=None):
    said = {
        "schema": "auditor/run-manifest/v1",
        "run": {"id": name, "status": "succeeded"},
        "data": [{"name": "train", "role": "train", "digest": d, **more} for d, more in data],
        "artifacts": [{"name": "model", "role": "weights", "digest": digest} for digest in artifacts],
        "lineage": {"parents": [{"digest": parent, "relation": "initialised-from"} for parent in parents]},
    }
    if accuracy is not None:
        said["metrics"] = [{"name": "accuracy", "value": accuracy}]
    if supersedes is not None:
        said["run"]["supersedes"] = {"digest": supersedes, "reason": "again"}
    document = read(yaml.safe_dump(said).encode(), source=f"runs/{name}.run.yaml")
    return Manifest(document.source, document), document.digest


RUNS = (
    manifest("first", data=[(A, {})], artifacts=[W], accuracy=0.9),
    manifest(
        "second",
        data=[(B, {"supersedes": {"digest": A, "reason": "12 labels corrected"}})],
        artifacts=[X],
        parents=[W],
        accuracy=0.95,
    ),
)
"""Two revisions of a data set, a run on each; the second run starts from the first one's weights."""

FIRST, SECOND = (digest for _, digest in RUNS)


@pytest.fixture
def graph():
    graph = Graph()
    for one in RUNS:
        graph.add(*one)
    return graph


def test_ancestors_and_descendants(graph):
    assert graph.ancestors(X) == [SECOND, B, W, FIRST, A]
    assert graph.descendants(A) == [FIRST, W, SECOND, X]
    assert A not in graph.ancestors(B), "the newer snapshot was not made from the older one"


def test_revocation_reaches_what_was_made_from_it_and_nothing_else(graph):
    graph.revoke(A, "label leak")
    assert graph.revoked_in(X) == [(A, "label leak")]
    assert graph.revoked_in(B) == []
    graph.revoke(B, "another leak")
    assert graph.revoked_in(W) == [(A, "label leak")]


def test_metrics_across_revisions_stand_in_one_table(graph):
    assert graph.revisions(B) == graph.revisions(A) == [(A, None), (B, "12 labels corrected")]
    assert metrics_of(graph, B) == {"second": {"accuracy": 0.95}}
    page = text(graph, A)
    assert "metrics across 2 revisions of the data" in page
    assert [line.split()[1:3] for line in page.splitlines() if line.startswith("  sha256:")] == [
        ["first", "0.9"],
        ["second", "0.95"],
    ]
    assert "12 labels corrected" in page


def test_circle_and_dangling_parent_are_said(graph):
    assert graph.cycles() == []
    assert graph.dangling() == []
    graph.add(*manifest("third", data=[(X, {})], artifacts=[C], parents=[D]))
    graph._edge(A, C, "made by mixing from")
    (circle,) = graph.cycles()
    assert circle[0] == circle[-1]
    assert {A, C, X, SECOND} <= set(circle)
    assert [edge.parent for edge in graph.dangling()] == [D]
    page = text(graph, C)
    assert "circle: " in page
    assert f"initialised-from {D}, which nothing here is known by" in page
    assert "(a circle)" in page


def test_json_and_drawing_hold_the_same(graph):
    graph.register([X], "models:/digits/7")
    graph.revoke(A, "leak <script>")
    said = json.loads(as_json(graph, X))
    assert {node["digest"] for node in said["nodes"]} == {X, SECOND, B, W, FIRST, A}
    assert said["revoked"] == [{"digest": A, "reason": "leak <script>"}]
    drawn = ET.fromstring(svg(graph, X))  # noqa: S314  (our own)
    assert len(drawn.findall(f"{SVG}g")) == len(said["nodes"])
    assert len(drawn.findall(f"{SVG}line")) == len(said["edges"])
    assert "<script>" not in svg(graph, X)
    assert "models:/digits/7" in text(graph, X)


def test_history_and_working_tree_are_both_read(team):
    repo = team.repo
    weights = next(artifact["digest"] for artifact in repo.claims()["artifacts"] if artifact["role"] == "weights")
    repo.branch("gone")
    repo.git("rm", "--quiet", "-r", "runs")
    repo.commit("Remove the runs")
    said = json.loads(repo.auditor("lineage", "out/model.npz", "--format", "json").expect(0).stdout)
    assert said["start"] == weights
    assert {node["kind"] for node in said["nodes"]} == {"artifact", "run", "snapshot"}
    train = next(data for data in said["nodes"] if "train" in data["names"])
    team.write("revocation", train["digest"], by="approver", reason="label leak")
    page = repo.auditor("lineage", train["digest"][7:19]).expect(0).stdout
    assert "REVOKED: label leak" in page
    assert "metrics across 1 revision of the data" in page
    assert repo.auditor("lineage", "data/train.csv", "--format", "svg").expect(0).stdout.startswith("<svg")
    repo.auditor("lineage", "sha256:" + "9" * 64).expect(3)
    repo.auditor("lineage", "no-such-file").expect(3)
