"""Brings commits of a repository into a bare one: nothing is checked out, so no hook, filter, submodule or link counts."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path
from typing import Final

from auditor.errors import UndecidableError
from auditor.git import environment
from auditor.guard.runner import Runner

_PATIENCE: Final = 900.0
_KEPT: Final = "+refs/auditor/keep/*:refs/auditor/keep/*"
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_QUIET: Final = (
    *("-c", "core.hooksPath=/dev/null", "-c", "credential.helper=", "-c", "protocol.ext.allow=never"),
    *("-c", "fetch.recurseSubmodules=false", "-c", "submodule.recurse=false", "-c", "gc.auto=0"),
)


def tip(runner: Runner, branch: str) -> str:
    """The commit that ``branch`` of the repository stands at now.

    Raises:
        UndecidableError: there is no such branch, or GitHub cannot be asked.
    """
    name = f"refs/heads/{branch}"
    for line in _git(runner, runner.temp, "ls-remote", "--refs", "--", _address(runner), name).splitlines():
        sha, _, ref = line.partition("\t")
        if ref == name and _SHA.fullmatch(sha):
            return sha
    raise UndecidableError(f"the branch {branch!r} is not there any more")


def fetched(runner: Runner, *commits: str) -> Path:
    """A bare repository with ``commits`` and their history.

    Raises:
        UndecidableError: one of them is not there (a forced push has taken it away), or GitHub cannot be asked.
    """
    folder = runner.temp / "auditor-repository"
    if not folder.exists():
        _git(runner, runner.temp, "init", "--quiet", "--bare", "--template=", str(folder))
    _git(runner, folder, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", _address(runner), *commits)
    return folder


def kept(runner: Runner, where: Path) -> None:
    """Bring the commits that were kept of squashed changes into the clone at ``where``: a checkout has branches alone.

    Raises:
        UndecidableError: GitHub cannot be asked.
    """
    _git(runner, where, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", _address(runner), _KEPT)


def _address(runner: Runner) -> str:
    return f"{runner.server.rstrip('/')}/{runner.repository}.git"


def _git(runner: Runner, where: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *_QUIET, *arguments],
            cwd=where,
            env=environment() | _authorised(runner),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UndecidableError(f"git {arguments[0]} took longer than {_PATIENCE:g} s") from None
    if done.returncode:
        words = done.stderr.strip().splitlines()
        raise UndecidableError(f"git {arguments[0]}: {words[-1][:300] if words else 'failed'}")
    return done.stdout


def _authorised(runner: Runner) -> dict[str, str]:
    """Git's configuration for the token: in the environment, where neither a file nor a list of processes shows it."""
    if not runner.token or not runner.server.startswith("https://"):
        return {}
    secret = base64.b64encode(f"x-access-token:{runner.token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{runner.server.rstrip('/')}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {secret}",
    }
