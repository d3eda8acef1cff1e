from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from workbench import Repo, result

from auditor import digest
from auditor.manifest.write import dump

RAW = b"weights\n"
VALUE = digest.of_bytes(RAW)


def add(repository: Repo, name: str, text: str) -> None:
    path = repository.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def declare(repository: Repo, **about: object) -> None:
    artifact = {"name": "model", "role": "weights", "digest": VALUE, "size": len(RAW)} | about
    run = {"id": "a", "status": "succeeded"}
    add(repository, "runs/a.run.yaml", dump({"schema": "auditor/run-manifest/v1", "run": run, "artifacts": [artifact]}))


def stores(repository: Repo, url: str) -> None:
    add(repository, "auditor.yaml", f"schema: auditor/policy/v1\nstores:\n  main: {url}\n")


@pytest.fixture
def kept(tmp_path):
    root = tmp_path / "kept"
    (root / "sha256").mkdir(parents=True)
    (root / "sha256" / VALUE.removeprefix("sha256:")).write_bytes(RAW)
    return root


def test_artifact_outside_git_is_verified_in_a_store(repository, kept):
    stores(repository, f"file://{kept}")
    declare(repository, uri="s3://elsewhere/model.npz")
    report = repository.auditor("check", "--checklist", "artifacts", "--format", "json").json()
    found = result(report, "artifacts/changed-artifact")
    assert (found["outcome"], found["evidence"]) == ("passed", "recomputed")


@pytest.mark.parametrize("url", ["file:///nowhere/at/all", "nosuch://bucket/x", "a folder"])
def test_store_that_cannot_be_loaded_is_inconclusive_and_named(repository, url):
    stores(repository, url)
    declare(repository, uri="s3://elsewhere/model.npz")
    report = repository.auditor("check", "--checklist", "artifacts", "--format", "json").json()
    found = result(report, "artifacts/changed-artifact")
    assert found["outcome"] == "inconclusive"
    assert "store main: " in found["reason"]


def test_change_cannot_make_the_gate_dial_an_address(repository, kept):
    dialled: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            dialled.append(self.path)
            self.send_error(404)

        def do_GET(self) -> None:
            self.do_HEAD()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listening)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        stores(repository, f"file://{kept}")
        repository.git("add", "-A")
        repository.git("commit", "-q", "-m", "a store")
        repository.git("checkout", "-q", "-b", "branch")
        stores(repository, address)
        declare(repository, uri=f"{address}/model.npz")
        repository.git("add", "-A")
        repository.git("commit", "-q", "-m", "another store")
        report = repository.gate().json()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert dialled == []
    assert "governance/loosened-policy" in {r["check"] for r in report["results"] if r["outcome"] == "failed"}
    assert result(report, "artifacts/changed-artifact")["outcome"] == "passed"  # from the base's store
