"""The program prints progress with carriage returns, colours and bytes that are no text."""

from __future__ import annotations

START = "started"


def apply(repo):
    noise = (
        "def main() -> None:\n"
        "    import sys\n\n"
        '    sys.stdout.buffer.write(b"\\r\\x1b[32m 10%\\x1b[0m\\r\\xff\\xfe 100%\\n")\n'
        '    sys.stderr.write("warming up\\n" * 2000)\n'
    )
    repo.replace("train.py", "def main() -> None:\n", noise)
    repo.commit("Show progress")
    repo.record()
    repo.commit("Record a run")
