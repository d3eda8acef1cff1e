"""What people have to say about a run because no check can, and what they said under their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """``required`` are the statements of the checklist by id, ``given`` who attested each.

    ``asked`` is false where no ledger is consulted: outside of gates.
    """

    required: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    asked: bool = True
