"""Carries what executions leave from the machine that makes them to the one that judges, and binds it to one change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.evidence.claimed import Scratch
from auditor.gate.refs import Refs
from auditor.model.words import Isolation, Tier

if TYPE_CHECKING:
    from auditor.reproduce.bundle.nouns import Binding
    from auditor.reproduce.bundle.opened import Opened
    from auditor.reproduce.bundle.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What is asked about evidence: to write it (``out``), or to judge by what was written (``into``).

    ``challenge`` was drawn by whoever asks for the evidence, and is part of what it is bound to. ``tiers`` and ``isolation``
    take the policy's place where evidence is made; the judge goes by the policy. ``stage`` is the only one that is executed,
    ``steps`` those of a run's beginning.
    """

    out: Path | None = None
    into: Path | None = None
    challenge: str | None = None
    tiers: tuple[Tier, ...] = ()
    isolation: Isolation | None = None
    stage: str | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """A bundle that is open: being written, being judged, or neither."""

    recording: Recording | None = None
    evidence: Opened | None = None
    notes: tuple[str, ...] = ()


@contextmanager
def carry(asked: Carried, refs: Refs, policy: str, scratch: Scratch) -> Iterator[Carrying]:
    """What ``asked`` is about, open; a bundle that is written is whole, or is not there, when it is closed.

    Raises:
        UndecidableError: there is no evidence, or it is malformed, or for something else.
        UsageError: it cannot be written.
    """
    if asked.out is None and asked.into is None:
        yield Carrying()
        return
    binding = _binding(refs, policy, asked.challenge)
    if asked.out is not None:
        from auditor.reproduce.bundle.recording import Recording  # noqa: PLC0415  (only where evidence is asked for)

        with Recording(asked.out, binding, version=__version__) as recording:
            yield Carrying(recording=recording)
    elif asked.into is not None:
        from auditor.reproduce.bundle.opened import open_bundle  # noqa: PLC0415  (the same)

        room = scratch() / "evidence"
        room.mkdir()
        found = open_bundle(asked.into, binding, room)
        words = f"nothing was executed here: the evidence tells of {found.count} executions, which are compared again"
        yield Carrying(evidence=found, notes=(words,))


def _binding(refs: Refs, policy: str, challenge: str | None) -> Binding:
    from auditor.reproduce.bundle.nouns import Binding, Job  # noqa: PLC0415  (the same)

    # Elsewhere nothing names a repository the same in every clone; its commits do.
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    run = os.environ.get("GITHUB_RUN_ID") if on_github else None
    return Binding(
        repository=os.environ.get("GITHUB_REPOSITORY") if on_github else None,
        head=refs.head,
        base=refs.base,
        policy=policy,
        run=Job(id=run, attempt=os.environ.get("GITHUB_RUN_ATTEMPT", "1")) if run else None,
        challenge=challenge,
    )
