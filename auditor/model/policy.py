"""The rules by which a gate decides, as typed, frozen nouns. See ``schemas/policy.v1.schema.json``.

The defaults written here *are* the built-in policy that judges a repository whose base has none.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from auditor.model.band import Better
from auditor.model.words import EvidenceLevel, Isolation, Severity, Tier


class _Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Common behaviour of all policy nouns; field names are kebab-case in YAML."""


class Gate(_Rules, frozen=True):
    """What one gate asks for. ``budget`` and ``max_verdict_age`` are durations such as ``10m`` and ``30d``.

    ``max_waivers`` is how many findings may be waived at once in what is judged, None: any number.
    """

    checklist: str = "standard"
    block_at: Severity = Severity.MAJOR
    tiers: tuple[Tier, ...] = ()
    budget: str | None = None
    isolation: tuple[Isolation, ...] = (Isolation.BWRAP, Isolation.CONTAINER)
    require: dict[str, tuple[EvidenceLevel, ...]] = {}
    on_nothing: Literal["open", "undecided"] = "open"
    approvals: int = 0
    max_verdict_age: str | None = None
    max_waivers: int | None = None
    sample: str | None = None


class Gates(_Rules, frozen=True):
    """The three gates."""

    merge: Gate = Gate(
        tiers=(Tier.DIGESTS, Tier.RECOMPUTE, Tier.SMOKE), budget="10m", require={"metrics": (EvidenceLevel.CONSISTENT,)}
    )
    deploy: Gate = Gate(
        tiers=(Tier.DIGESTS, Tier.RECOMPUTE),
        approvals=1,
        max_verdict_age="30d",
        require={
            "metrics": (EvidenceLevel.RECOMPUTED, EvidenceLevel.RE_EXECUTED),
            "weights": (EvidenceLevel.CONSISTENT,),
        },
    )
    history: Gate = Gate(block_at=Severity.BLOCKER, budget="30m", sample="risk")


class Pair(_Rules, frozen=True):
    """One absolute and one relative tolerance. One given alone leaves the other at 0."""

    absolute: float = 0.0
    relative: float = 0.0


class MetricPair(Pair, frozen=True):
    """The tolerance of a figure.

    ``better`` is the direction in which any change is welcome. ``margin`` is the smallest difference that matters: where a
    band is wider than that, it has too little power and decides nothing.
    """

    better: Better = "either"
    margin: float | None = None


class ForPair(_Rules, frozen=True):
    """Tolerances between two executor classes, given as patterns in any order; they come before the general ones."""

    executors: tuple[str, str]
    metrics: dict[str, MetricPair] = {}
    tensors: dict[str, Pair | Literal["auto"]] = {}
    dtypes: dict[str, Pair] = {}


class Tolerances(_Rules, frozen=True):
    """Tolerances by name pattern, most specific pattern first; ``ignore`` names metrics that are no claims.

    ``dtypes`` takes the place of the default table for tensors that are ``auto``; ``pairs`` holds what is different between
    two executor classes, the first entry that matches.
    """

    metrics: dict[str, MetricPair] = msgspec.field(
        default_factory=lambda: {"*": MetricPair(absolute=1.0e-9, relative=1.0e-6)}
    )
    tensors: dict[str, Pair | Literal["auto"]] = msgspec.field(default_factory=lambda: {"*": "auto"})
    dtypes: dict[str, Pair] = {}
    pairs: tuple[ForPair, ...] = ()
    ignore: tuple[str, ...] = ("*_seconds", "*_time", "*throughput*", "*memory*")


class Executors(_Rules, frozen=True):
    """How a pair of executor classes that was never calibrated is judged."""

    unknown_pair: Literal["default-table", "inconclusive"] = "default-table"


class Bound(_Rules, frozen=True):
    """What a hyperparameter may be; without a side it has no bound there."""

    minimum: float | None = None
    maximum: float | None = None


class Segments(_Rules, frozen=True):
    """How a run is replayed in parts: ``draw`` segments at random and the ``top`` largest updates.

    ``bounds`` are for hyperparameters by name, ``batch_size`` among them: a run whose steps leave them did not train.
    """

    draw: int = 20
    top: int = 2
    bounds: dict[str, Bound] = {}


class Power(_Rules, frozen=True):
    """What known-bad replicas change. ``learning_rates`` are further names of learning rates in configurations."""

    learning_rates: tuple[str, ...] = ()


class Environments(_Rules, frozen=True):
    """With which interpreter and libraries runs are executed again.

    ``sources`` in order of preference: ``lock`` rebuilds what the recorded lock pins, ``image`` takes the recorded container
    image by digest, ``current`` the environment that is here. ``build`` says whether packages may run code to be installed.
    ``index`` is where they come from, a URL; None for the installer's own default.
    """

    sources: tuple[Literal["lock", "image", "current"], ...] = ("lock", "image", "current")
    build: Literal["refused", "allowed"] = "refused"
    index: str | None = None


class Waiver(_Rules, frozen=True):
    """A dated, owned, approved exception, bound to one run, one check and the rule's digest. ``until`` is YYYY-MM-DD."""

    run: str
    check: str
    reason: str
    owner: str
    until: str
    rule: str | None = None


class Ledger(_Rules, frozen=True):
    """Where verdicts and approvals are kept: ``url`` None is a database inside the git directory.

    ``max_age`` is how old its newest checkpoint may be when a deployment is decided, None: any age, or none at all.
    """

    url: str | None = None
    max_age: str | None = None


class Trust(_Rules, frozen=True):
    """Who may loosen rules, approve, and judge; ``identities`` maps a key or address to a person."""

    owners: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    judges: tuple[str, ...] = ()
    identities: dict[str, str] = {}


class Policy(_Rules, frozen=True):
    """A whole ``auditor.yaml``."""

    schema: str = "auditor/policy/v1"
    mode: Literal["enforce", "report-only"] = "enforce"
    manifests: tuple[str, ...] = ("runs/**/*.run.yaml", "runs/**/*.run.json")
    covers: tuple[str, ...] = ("**/*.py", "conf/**", "data/**")
    references: tuple[str, ...] = ()
    stores: dict[str, str] = {}
    checks: tuple[str, ...] = ()
    gates: Gates = Gates()
    tolerances: Tolerances = Tolerances()
    executors: Executors = Executors()
    bands: tuple[str, ...] = ()
    segments: Segments = Segments()
    power: Power = Power()
    environment: Environments = Environments()
    severities: dict[str, Severity] = {}
    waivers: tuple[Waiver, ...] = ()
    images: tuple[str, ...] = ()
    ledger: str | Ledger | None = None
    trust: Trust = Trust()

    @property
    def kept(self) -> Ledger:
        """``ledger`` in its long form."""
        return self.ledger if isinstance(self.ledger, Ledger) else Ledger(url=self.ledger)
