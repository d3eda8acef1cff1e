"""What a change, a pull request say, does to the repository: the subject of checks that judge no single run."""

from __future__ import annotations

from dataclasses import dataclass, field

from auditor.model.comparison import ReproductionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something the gate noticed: at ``pointer`` in ``file``, in words."""

    message: str
    pointer: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference run whose smoke reproduction was executed with the changed files."""

    manifest: str
    reproductions: tuple[ReproductionResult, ...]
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The difference between a base and a head commit, as far as a gate cares.

    ``rewritten`` are merged manifests whose canonical content was changed or that were deleted. ``policy`` tells whether
    the policy differs at all, ``loosened`` in which entries it asks for less, ``invalid`` why the head's cannot be read.
    ``waivers`` are those that excuse nothing any more, ``waived`` counts the findings that others do excuse.
    ``approvals`` is how many each run needs, ``unapproved`` the runs that have fewer.
    """

    base: str
    head: str
    rewritten: tuple[Remark, ...] = ()
    policy_changed: bool = False
    loosened: tuple[Remark, ...] = ()
    invalid: tuple[Remark, ...] = ()
    has_owners: bool = False
    waivers: tuple[Remark, ...] = ()
    waived: int = 0
    max_waivers: int | None = None
    approvals: int = 0
    unapproved: tuple[Remark, ...] = ()
    references: tuple[Reference, ...] = field(default=())
