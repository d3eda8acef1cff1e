"""A container image of a test's own, in the storage of the engine that works here."""

from __future__ import annotations

import io
import subprocess
import tarfile
import uuid
from collections.abc import Iterator

import pytest

from auditor.reproduce.sandbox import container


@pytest.fixture
def image() -> Iterator[str]:
    """An image with a shell and nothing else, by digest, in the storage of the engine that works here."""
    engine, why = container.find()
    assert engine is not None, why
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add("/usr/bin/busybox", "bin/busybox")
        for name in ("sh", "mkdir", "echo", "cat"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    # Tests that run side by side share the engine's storage: each has a name, and so a digest, of its own.
    name = f"localhost/shell-{uuid.uuid4().hex}"
    subprocess.run(engine.command("import", "--message", name, "-", f"{name}:1"), input=content.getvalue(), check=True)
    asked = engine.command("image", "inspect", "--format", "{{.Digest}}", f"{name}:1")
    yield f"{name}@{subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()}"
    subprocess.run(engine.command("rmi", "--force", f"{name}:1"), capture_output=True, check=False)
