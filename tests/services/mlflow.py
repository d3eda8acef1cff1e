"""One real ``mlflow server`` on loopback for a whole test session.

Every test can ask for the fixture ``mlflow_server``; its value is the server's address. The tests share its state: name
experiments and models after yourself.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "DO_NOT_TRACK": "true"}


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]) -> Iterator[str]:
    """The address of the server, which is also in MLFLOW_TRACKING_URI for this process."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", f"sqlite:///{folder}/ml.db", "--artifacts-destination", f"{folder}/artifacts"]
    with (folder / "log").open("wb") as log, pytest.MonkeyPatch.context() as patch:
        for name, value in _QUIET.items():
            patch.setenv(name, value)
        server = subprocess.Popen(
            [*command, *store],
            cwd=folder,
            env={**os.environ, **shell, **_QUIET},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(server, address, folder / "log")
            patch.setenv("MLFLOW_TRACKING_URI", address)
            yield address
        finally:
            os.killpg(server.pid, 15)  # its workers are processes of its own
            server.wait()


def _wait(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    for _ in range(1200):
        assert server.poll() is None, log.read_text(errors="replace")[-4000:]
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):  # noqa: S310  (our own server)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"the MLflow server does not answer\n{log.read_text(errors='replace')[-4000:]}")
