from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.store.stores import Stores


@pytest.fixture(scope="module")
def s3(shell) -> Iterator[str]:
    """The address of a real S3 server process, with credentials and region in the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch:
        settings = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "who",
            "AWS_SECRET_ACCESS_KEY": "knows",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        try:
            _wait(server, port)
            yield address
        finally:
            server.terminate()
            server.wait()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(600):
        assert server.poll() is None, "the S3 server ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the S3 server does not answer")


@pytest.fixture
def looking(tmp_path) -> Iterator[Callable[[Stores], ClaimedBytes]]:
    """Looks up claims in stores, beside an empty folder that is no repository."""
    root = tmp_path / "checkout"
    root.mkdir()
    scratch = Scratch()
    yield lambda stores: ClaimedBytes(root=root, repository=None, commit=None, scratch=scratch, stores=stores)
    scratch.close()
