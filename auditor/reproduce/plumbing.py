"""Git commands that fill a workspace, with nobody's settings but their own: bytes must come out as git stores them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from auditor.git import GitError, environment


def git(
    where: Path,
    *arguments: str,
    stdin: bytes | None = None,
    variables: Mapping[str, str] | None = None,
    memory: int | None = None,
) -> bytes:
    """Standard output of ``git ARGUMENTS`` in ``where``, which may use ``memory`` bytes where this system can limit it.

    Raises:
        GitError: git failed; the message holds its words.
    """
    limiter = shutil.which("prlimit") if memory is not None else None
    answer = subprocess.run(
        [*([limiter, f"--as={memory}"] if limiter else []), *_command(where, *arguments)],
        cwd=where,
        env={**_variables(), **(variables or {})},
        input=stdin or b"",
        capture_output=True,
        check=False,
    )
    if answer.returncode:
        raise GitError(f"git {arguments[0]} failed: {answer.stderr.decode(errors='replace').strip()}")
    return answer.stdout


def transfer(source: Path, target: Path, objects: Sequence[str]) -> None:
    """Copy ``objects`` (names; the first two may be revisions) from one repository into another as one streamed pack.

    Raises:
        GitError: an object is missing or damaged.
    """
    pack = ["pack-objects", "--stdout", "-q", "--window=0", "--threads=1"]
    with (
        subprocess.Popen(
            _command(source, *pack),
            cwd=source,
            env=_variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as sender,
        subprocess.Popen(
            _command(target, "index-pack", "--stdin"),
            cwd=target,
            env=_variables(),
            stdin=sender.stdout,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as receiver,
    ):
        assert sender.stdin is not None  # noqa: S101  (opened with PIPE)
        assert sender.stdout is not None  # noqa: S101
        sender.stdout.close()
        ids = git(source, "rev-parse", *objects[:2]).decode().split() + list(objects[2:])
        sender.stdin.write(("\n".join(dict.fromkeys(ids)) + "\n").encode())
        sender.stdin.close()
        if sender.wait() or receiver.wait():
            raise GitError("the commit's objects could not be copied", hint="run `git fsck` in the repository")


def _variables() -> dict[str, str]:
    """Git's environment without the user's and the machine's settings, and without replaced objects."""
    return environment() | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def _command(where: Path, *arguments: str) -> list[str]:
    # The user's settings are left out, so the trust in a folder of another owner has to be said again; reading it was
    # allowed before this repository was opened.
    trust = ("-c", f"safe.directory={where}", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    return ["git", *trust, *arguments]
