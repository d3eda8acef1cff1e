"""Whether the locks of old runs still resolve, and to the same bytes: packages are yanked, and indexes forget.

Only names, versions and hashes are taken from a lock. An index that it names is not dialled: which indexes are asked is the
verifier's own setting (``UV_INDEX_URL`` and its like), as for every other call of uv.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from auditor import digest
from auditor.evidence.change import Remark
from auditor.evidence.lock import normalised, read_lock
from auditor.evidence.past import Probed
from auditor.evidence.unanswered import Inconclusive
from auditor.git import Repository
from auditor.history.record import Judged, Record

MOST_LOCKS = 50
_PATIENCE = 120
_HASHED = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)[^\n]*?((?:\s*--hash=sha256:[0-9a-f]{64})+)", re.MULTILINE)
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_CONTINUED = re.compile(r"\\\r?\n\s*")
_UNKNOWN = re.compile(r"(?:no version of|not find|was not found|not found in)[^\n]*")
_OFFLINE = ("error sending request", "dns error", "Failed to fetch", "Network connectivity is disabled", "timed out")


def probe(repository: Repository, record: Record, runs: Sequence[Judged], *, deadline: float) -> Probed:
    """What became of the locks of ``runs``, each looked at once.

    ``deadline`` is in seconds of :func:`time.monotonic`.
    """
    locks: dict[str, list[Judged]] = {}
    for run in runs:
        if run.facts.lock is not None and run.state == "read":
            locks.setdefault(run.facts.lock[1], []).append(run)
    gone: list[Remark] = []
    unanswered: list[str] = []
    for wanted, members in sorted(locks.items())[:MOST_LOCKS]:
        if time.monotonic() > deadline:
            unanswered.append(f"{_name(members[0])}: there was no time left")
            continue
        try:
            gone += _gone(_bytes(repository, record, members[0], wanted), members)
        except Inconclusive as unsaid:
            unanswered.append(f"{_name(members[0])}: {unsaid.reason}")
    if len(locks) > MOST_LOCKS:
        unanswered.append(f"{len(locks) - MOST_LOCKS} more locks were not looked at")
    return Probed(looked_at=len(locks), gone=tuple(gone), unanswered=tuple(unanswered))


def _bytes(repository: Repository, record: Record, run: Judged, wanted: str) -> bytes:
    """The lock's bytes, from the commit that brought the run or from the working tree; they have the recorded digest."""
    assert run.facts.lock is not None  # noqa: S101  (asked by the caller)
    path = run.facts.lock[0]
    for version in record.places(run.digest):
        content = repository.read(version.commit, path) if version.commit is not None else None
        if content is not None and digest.of_bytes(content) == wanted:
            return content
    raise Inconclusive(f"{path} is not in the commit of the run with the recorded digest")


def _gone(content: bytes, members: Sequence[Judged]) -> Iterator[Remark]:
    """What of a lock no index gives any more, or gives as other bytes."""
    run = members[0]
    path = run.facts.lock[0] if run.facts.lock is not None else ""
    lock = read_lock(content, Path(path).name)
    wanted = _hashes(content.decode(errors="replace"))
    lines = [f"{name}=={version}" for name, versions in sorted(lock.packages.items()) for version in sorted(versions)]
    concerns = f"{path}, the lock of {_name(run)}" + (f" and {len(members) - 1} more runs" if len(members) > 1 else "")
    offered = _resolved(lines)
    for line in lines:
        name = normalised(line.partition("==")[0])
        if isinstance(offered, str):
            if re.search(rf"\b{re.escape(line)}(?![\w.])", offered) or len(lines) == 1:
                yield _finding(run, f"{line} does not resolve any more ({concerns}): {_why(offered)}")
        elif offered.get(name) and wanted.get(name) and not offered[name] & wanted[name]:
            yield _finding(run, f"{line} resolves to other bytes than were locked ({concerns})")


def _resolved(lines: Sequence[str]) -> dict[str, frozenset[str]] | str:
    """The hashes that indexes offer for each pinned distribution; uv's words when one does not resolve.

    Raises:
        Inconclusive: uv is not installed, or no index answers.
    """
    uv = next((found for found in (shutil.which("uv"), str(Path(sys.executable).with_name("uv"))) if found), "")
    if not Path(uv).exists():
        raise Inconclusive("uv is not installed (pip install 'ml-run-auditor[rebuild]')")
    options = [
        "--no-deps",
        "--generate-hashes",
        "--no-header",
        "--no-annotate",
        "--no-progress",
        "--color",
        "never",
        "--quiet",
    ]
    with tempfile.TemporaryDirectory(prefix="auditor-lock-") as folder:
        file = Path(folder, "requirements.in")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        env = os.environ | {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "1", "UV_NO_CONFIG": "1"}
        try:
            done = subprocess.run(
                [uv, "pip", "compile", *options, str(file)],
                capture_output=True,
                text=True,
                timeout=_PATIENCE,
                check=False,
                env=env,
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            raise Inconclusive(f"uv did not answer within {_PATIENCE} s") from None
    if done.returncode == 0:
        return _hashes(done.stdout)
    if any(words in done.stderr for words in _OFFLINE) and "No solution found" not in done.stderr:
        raise Inconclusive("offline: no index answers")
    return done.stderr


def _hashes(text: str) -> dict[str, frozenset[str]]:
    found = _HASHED.findall(_CONTINUED.sub(" ", text))
    return {normalised(name): frozenset(_HASH.findall(hashes)) for name, hashes in found}


def _why(words: str) -> str:
    match = _UNKNOWN.search(words)
    return " ".join((match[0] if match else words).split())[:300]


def _finding(run: Judged, message: str) -> Remark:
    return Remark(message=message, file=run.manifest)


def _name(run: Judged) -> str:
    return run.id or run.manifest
