"""Reads the files of bands that a policy names, from the commit that the policy itself was read from."""

from __future__ import annotations

from pathlib import Path

from auditor.compare.bands import read_bands
from auditor.errors import PolicyError, UnreadableError
from auditor.git import Repository
from auditor.model.band import Calibration
from auditor.model.policy import Policy


def read_at(repository: Repository, commit: str, policy: Policy) -> tuple[Calibration, ...]:
    """The bands that ``policy`` names, as they are at ``commit``.

    Raises:
        PolicyError: a file is not there, or is no file of bands.
        GitError: the commit is not here.
    """
    return tuple(
        _parsed(repository.read(commit, path), path, place, f"at {commit[:12]}") for place, path in enumerate(policy.bands)
    )


def read_in(root: Path, policy: Policy) -> tuple[Calibration, ...]:
    """The bands that ``policy`` names, as they lie in a working tree.

    Raises:
        PolicyError: a file is not there, or is no file of bands.
    """
    return tuple(
        _parsed((root / path).read_bytes() if (root / path).is_file() else None, path, place, "in the working tree")
        for place, path in enumerate(policy.bands)
    )


def _parsed(raw: bytes | None, path: str, place: int, where: str) -> Calibration:
    if raw is None:
        raise PolicyError(
            f"/bands/{place}: {path} is no file {where}",
            hint="commit it beside the policy; only what the policy ref holds counts",
        )
    try:
        return read_bands(raw, source=path)
    except UnreadableError as error:
        raise PolicyError(f"/bands/{place}: {error}", hint=error.hint) from error
