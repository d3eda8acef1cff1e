"""What an audit of the past found out beside the runs themselves: the subject of the checks that only history asks."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.evidence.change import Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Something that old runs rest on and that was looked for again: ``gone`` is what was there once, or should be.

    ``looked_at`` counts what was asked about; ``unanswered`` says of what nobody could tell.
    """

    looked_at: int = 0
    gone: tuple[Remark, ...] = ()
    unanswered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """``lost`` are manifests that no store has any more, ``locks`` the locks, ``images`` the containers of old runs."""

    lost: tuple[Remark, ...] = ()
    locks: Probed = Probed()
    images: Probed = Probed()
