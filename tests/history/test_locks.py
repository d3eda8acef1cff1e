"""A package that is yanked, or whose bytes changed, is named with the runs that need it; no index at all is no reproach."""

from __future__ import annotations

import hashlib
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from past import claims, model, sha256, table, text_of


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass


@pytest.fixture
def index(tmp_path, monkeypatch) -> Iterator[object]:
    """A package index on loopback: a function that sets what it offers, as version and content of the package kitten."""
    root = tmp_path / "index"

    def offer(*versions):
        folder = root / "simple" / "kitten"
        folder.mkdir(parents=True, exist_ok=True)
        links = []
        for version, content in versions:
            wheel = folder / f"kitten-{version}-py3-none-any.whl"
            about = f"kitten-{version}.dist-info"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr(zipfile.ZipInfo("kitten.py"), content)
                meta = f"Metadata-Version: 2.1\nName: kitten\nVersion: {version}\n"
                archive.writestr(zipfile.ZipInfo(f"{about}/METADATA"), meta)
                tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
                archive.writestr(zipfile.ZipInfo(f"{about}/WHEEL"), tags)
                archive.writestr(zipfile.ZipInfo(f"{about}/RECORD"), "")
            value = hashlib.sha256(wheel.read_bytes()).hexdigest()
            links.append((version, value, f'<a href="{wheel.name}#sha256={value}">{wheel.name}</a>'))
        (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(link for *_, link in links))
        return {version: value for version, value, _ in links}

    root.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    offer.address = f"http://127.0.0.1:{server.server_port}/simple"
    yield offer
    server.shutdown()
    server.server_close()


def locked(repo, text):
    """A committed run with a lock."""
    repo.write("train.py", "pass\n")
    repo.write("requirements.lock.txt", text)
    value = claims(1)
    repo.write("data/1.csv", table(1))
    repo.write("out/000001.bin", model(1))
    commit = repo.commit()
    value["code"] = {"commit": commit, "entrypoint": ["python", "train.py"]}
    value["environment"]["lock"] = {"path": "requirements.lock.txt", "digest": sha256(text.encode()), "kind": "requirements"}
    value["environment"]["packages"] = {"kitten": "1.0"}
    del value["configuration"], value["observed"]
    repo.write("runs/1.run.json", text_of(value, "json"))
    repo.commit()


def lock_result(repo, address):
    repo.extra = {"UV_INDEX_URL": address, "UV_NO_CACHE": "1"}
    report = repo.auditor("gate", "history", "--format", "json").expect(0).json()
    (result,) = [r for r in report["results"] if r["check"] == "environment/unresolvable-lock"]
    return result


def test_a_yanked_package_and_changed_bytes_are_named(repository, index):
    hashes = index(("1.0", "x = 1\n"), ("2.0", "x = 2\n"))
    locked(repository, f"--index-url http://127.0.0.1:9/evil\nkitten==1.0 --hash=sha256:{hashes['1.0']}\n")
    assert lock_result(repository, index.address)["outcome"] == "passed", "the lock's own index is not dialled"
    index(("1.0", "x = 'other bytes'\n"), ("2.0", "x = 2\n"))
    changed = lock_result(repository, index.address)
    assert (changed["outcome"], changed["severity"]) == ("failed", "major")
    assert "kitten==1.0 resolves to other bytes" in changed["findings"][0]["message"]
    index(("2.0", "x = 2\n"))
    (repository.root.parent / "index/simple/kitten/kitten-1.0-py3-none-any.whl").unlink()
    gone = lock_result(repository, index.address)
    assert "kitten==1.0 does not resolve any more" in gone["findings"][0]["message"]
    assert "run-000001" in gone["findings"][0]["message"]


def test_without_an_index_nothing_is_said_against_a_run(repository, index):
    hashes = index(("1.0", "x = 1\n"))
    locked(repository, f"kitten==1.0 --hash=sha256:{hashes['1.0']}\n")
    result = lock_result(repository, "http://127.0.0.1:9/simple")
    assert (result["outcome"], result["severity"]) == ("inconclusive", "minor")
    assert "offline" in result["reason"]
