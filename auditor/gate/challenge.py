"""Makes the challenge for a run: the verifier's key, the rules in force, and the count of roots that were tried before."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import msgspec

from auditor import digest
from auditor.errors import UsageError
from auditor.git import Repository
from auditor.ledger.ledger import open_ledger
from auditor.model.policy import Policy
from auditor.reproduce.segments.request import Challenge

KEY: Final = "AUDITOR_CHALLENGE_KEY"
_SHORTEST: Final = 16


def challenge_of(policy: Policy, repository: Repository, *, draw: int | None = None) -> Challenge:
    """The challenge by the rules of ``policy``.

    Its key is that in AUDITOR_CHALLENGE_KEY, which only the verifier may know. Without it a key is made and kept beside the
    repository's objects: the draw stays the same, but whoever has this clone can predict it.

    Raises:
        UsageError: the key in the environment is too short to be a secret.
    """
    given = given_key()
    return Challenge(
        segments=policy.segments.draw if draw is None else draw,
        top=policy.segments.top,
        bounds=policy.segments.bounds,
        key=given if given is not None else _own_key(repository.common_dir / "auditor"),
        is_local=given is None,
        policy=digest.of_value(msgspec.to_builtins(policy)),
        count=_Count(repository, policy),
    )


class _Count:
    """Keeps every root that was challenged in the ledger: a second try of the same training with another one is seen."""

    def __init__(self, repository: Repository, policy: Policy) -> None:
        self._repository = repository
        self._policy = policy

    def __call__(self, run: str, root: str) -> int:
        """How many roots are known of what was run, this one included.

        Raises:
            AuditorError: the ledger cannot be read or written.
        """
        with open_ledger(_url(self._policy), self._repository) as ledger:
            known = {str(entry.body.get("root")) for entry in ledger.entries(kind="challenge", subject=run)}
            if root not in known:
                ledger.append("challenge", subject=run, body={"root": root, "number": len(known) + 1})
        return len(known | {root})


def _url(policy: Policy) -> str | None:
    where: object = policy.ledger
    return where if isinstance(where, str) or where is None else getattr(where, "url", None)


def given_key() -> bytes | None:
    """The verifier's key, None where none was given.

    Raises:
        UsageError: it is too short to be a secret.
    """
    given = os.environ.get(KEY)
    if given is not None and len(given) < _SHORTEST:
        raise UsageError(f"{KEY} has fewer than {_SHORTEST} characters", hint="openssl rand -hex 32")
    return None if given is None else given.encode()


def _own_key(folder: Path) -> bytes:
    place = folder / "challenge.key"
    try:
        return place.read_bytes()
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_hex(32).encode())
        return place.read_bytes()
