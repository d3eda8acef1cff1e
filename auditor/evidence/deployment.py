"""What is about to be deployed and what is on record about it: the subject of the checks that only the deploy gate asks."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.evidence.change import Remark


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """Bytes that are about to ship, hashed at the moment of the decision. ``declared`` tells whether the run has them."""

    name: str
    digest: str
    declared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version in a model registry, held against the manifest and against what the ledger says of it.

    ``overwritten`` are files that are no longer what was registered, ``contradictions`` what the registry says otherwise
    than the manifest, ``moved`` the aliases that lead somewhere that no promotion on record put them. ``unanswered`` says
    why something could not be compared.
    """

    version: str
    overwritten: tuple[Remark, ...] = ()
    contradictions: tuple[Remark, ...] = ()
    moved: tuple[Remark, ...] = ()
    unanswered: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The container that is about to run, and the one that the run recorded."""

    given: str
    recorded: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deploy gate knows beside the run itself.

    ``needs_verdict`` tells whether only a verdict signed by one of the policy's judges counts; ``verdict`` is that
    verdict, ``no_verdict`` why there is none. ``approvals`` are the people whose approval counts, ``void_approvals`` the
    approvals that do not. ``revoked`` are what the deployed bytes descend from and somebody revoked. ``broken`` says what
    is wrong with the ledger, ``stale`` why it may not be all there is. ``waived`` counts the run's waived findings, of which
    ``max_waivers`` are allowed; None: any number.
    """

    artifacts: tuple[Shipped, ...] = ()
    needs_verdict: bool = False
    verdict: str | None = None
    no_verdict: str | None = None
    required: int = 0
    approvals: tuple[str, ...] = ()
    void_approvals: tuple[Remark, ...] = ()
    revoked: tuple[Remark, ...] = ()
    broken: tuple[Remark, ...] = ()
    stale: str | None = None
    waived: int = 0
    max_waivers: int | None = None
    registered: Registered | None = None
    image: Image | None = None
