"""Stores that deny, stall, cut short, or return other or more bytes than they said: S3 as a hostile server speaks it."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from auditor import digest
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Artifact
from auditor.store.stores import Stores

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

RAW = b"weights\n" * 1000
VALUE = digest.of_bytes(RAW)
MODEL = Artifact(name="model", uri="s3://bucket/other", digest=VALUE)


@pytest.fixture
def hostile(monkeypatch):
    """Starts a server that answers as told: (status, size it declares, bytes it sends, seconds it waits)."""
    running = []

    def start(*, status=200, declares=8000, sends=RAW, stalls=0.0) -> None:
        over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.head(declares)

            def do_GET(self) -> None:
                over.wait(stalls)
                # A range is answered with what it asked for, as far as this server is willing.
                self.head(declares)
                with contextlib.suppress(ConnectionError):  # of a client that waits no longer
                    self.wfile.write(sends)
                self.close_connection = True

            def head(self, size: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(size))
                self.send_header("ETag", '"0123"')
                self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        running.append((server, thread, over))
        address = f"http://127.0.0.1:{server.server_address[1]}"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    yield start
    for server, thread, over in running:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def stores(patience: float = 20) -> Stores:
    return Stores({"main": "s3://bucket/kept"}, patience=patience)


def test_honest_answer_is_taken(hostile, looking):
    hostile()
    assert looking(stores()).file(MODEL).read_bytes() == RAW


def test_denied(hostile, looking):
    hostile(status=403, declares=0, sends=b"")
    with pytest.raises(Inconclusive, match=r"access to .* is denied"):
        looking(stores()).locate(MODEL)


def test_slow_store_is_given_up_and_not_asked_again(hostile, looking):
    hostile(stalls=60)
    looked = looking(stores(patience=2))
    for digested in (VALUE, digest.of_bytes(b"other")):
        # The second time, the answer is about what was asked for the first time.
        with pytest.raises(Inconclusive, match=f"{VALUE.removeprefix('sha256:')}: no answer within 2 s"):
            looked.locate(Artifact(name="model", uri="s3://x/y", digest=digested))


def test_truncated(hostile, looking):
    hostile(sends=RAW[:100])
    with pytest.raises(Inconclusive, match="store main: "):
        looking(stores(patience=3)).locate(MODEL)


def test_other_bytes(hostile, looking):
    hostile(sends=RAW[::-1])
    with pytest.raises(Inconclusive, match="holds other bytes than its name says"):
        looking(stores()).locate(MODEL)


def test_nothing_of_a_failed_download_is_left(hostile, looking):
    hostile(sends=RAW[:100])
    looked = looking(stores(patience=3))
    with pytest.raises(Inconclusive):
        looked.locate(MODEL)
    assert [path.name for path in looked.scratch().iterdir()] == [".held"], "the lock of the room and nothing else"
