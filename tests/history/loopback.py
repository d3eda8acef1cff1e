"""Real services on loopback: an S3 that is moto's server, and a Dask cluster of separate processes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3(bucket: str = "history") -> Iterator[str]:
    """The URL of an empty bucket; credentials and address are in the environment."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": address}.items():
            patch.setenv(name, value)
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(address, timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.1)
            _client.cache_clear()
            _client().create_bucket(Bucket=bucket)
            yield f"s3://{bucket}"
        finally:
            server.kill()
            server.wait()


def put(url: str, path: str, content: bytes) -> None:
    _client().put_object(Bucket=url[5:], Key=path, Body=content)


def remove(url: str, path: str) -> None:
    _client().delete_object(Bucket=url[5:], Key=path)


@cache
def _client() -> Any:
    import boto3  # noqa: PLC0415  (moto brings it)

    return boto3.client("s3")


@dataclass
class Dask:
    """A scheduler and its workers, each a process without a nanny, so that a killed one stays dead."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    address: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def work(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny"]
        command += ["--no-dashboard", "--local-directory", str(self.folder), "--host", "127.0.0.1"]
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self.workers.append(worker)
        return worker


@contextmanager
def dask(folder: Path, workers: int = 2) -> Iterator[Dask]:
    file = folder / "scheduler.json"
    command = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
    ]
    scheduler = subprocess.Popen(
        [*command, "--scheduler-file", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
    )
    cluster = Dask(folder, scheduler, "")
    try:
        for _ in range(600):
            if file.exists() and file.read_text():
                break
            time.sleep(0.1)
        cluster.address = json.loads(file.read_text())["address"]
        for _ in range(workers):
            cluster.work()
        yield cluster
    finally:
        for process in (*cluster.workers, scheduler):
            process.kill()
            process.wait()
