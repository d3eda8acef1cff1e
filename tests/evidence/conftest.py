from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.evidence.history import History
from auditor.git import Repository


class Checkout:
    """A git repository to put files into, and the evidence that is seen from one of its commits."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "core.autocrlf", "false")
        self.opened = Repository(root)
        self.scratch = Scratch()

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def commit(self, words: str = "more") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", words)
        return self.git("rev-parse", "HEAD")

    def claimed(self, commit: str | None) -> ClaimedBytes:
        return ClaimedBytes(root=self.root, repository=self.opened, commit=commit, scratch=self.scratch)

    def history(self) -> History:
        return History(self.opened, self.git("rev-parse", "HEAD"))

    def close(self) -> None:
        self.opened.close()
        self.scratch.close()


@pytest.fixture
def checkout(tmp_path):
    made = Checkout(tmp_path / "checkout")
    yield made
    made.close()
