"""What repeat runs taught about noise, as typed, frozen nouns. See ``schemas/band.v1.schema.json``."""

from __future__ import annotations

from typing import Literal

import msgspec

Better = Literal["higher", "lower", "either"]
"""Which direction of a figure is an improvement; ``either`` is two-sided."""


class _Learned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Common behaviour; field names are kebab-case in YAML."""


class Machine(_Learned, frozen=True, kw_only=True):
    """One side of the pair: its executor class, and the digest of its numeric stack (libraries and versions)."""

    class_: str = msgspec.field(name="class")
    stack: str


class Band(_Learned, frozen=True, kw_only=True):
    """What one quantity may do between the two machines.

    ``of`` is ``metric:``, ``tensor:`` or ``trace:`` and a pattern of names. A metric has ``mean`` and ``s`` of ``n``
    repeats: another run is judged by the prediction interval mean ± factor · s at level ``alpha``. ``df`` are the degrees of
    freedom of ``s`` where it was pooled from more runs than these ``n``. A tensor or a trace has ``absolute`` and
    ``relative``, the pair that covers what the ``n`` repeats did, element by element. A trace is compared up to step
    ``horizon``; beyond it rounding alone drives runs apart.
    """

    of: str
    n: int
    mean: float | None = None
    s: float | None = None
    alpha: float | None = None
    factor: float | None = None
    df: float | None = None
    absolute: float | None = None
    relative: float | None = None
    horizon: int | None = None

    @property
    def level(self) -> float:
        """How often an honest run may fall outside: ``alpha``, 0.05 where it is left out."""
        return 0.05 if self.alpha is None else self.alpha

    @property
    def kind(self) -> str:
        """``metric``, ``tensor`` or ``trace``."""
        return self.of.partition(":")[0]

    @property
    def pattern(self) -> str:
        """The pattern of names that it is about."""
        return self.of.partition(":")[2]


class Calibration(_Learned, frozen=True, kw_only=True):
    """One file of bands: all that the repeats of some runs taught about one unordered pair of machines.

    ``runs`` are the digests of the manifests that were repeated: only for them ``mean`` is a mean of the same computation,
    for any other run ``s`` alone speaks. ``varied`` names what differed between the repeats (``seed``). ``expires`` is the
    last day on which it counts; another numeric stack ends it earlier.
    """

    schema: str = "auditor/band/v1"
    executors: tuple[Machine, Machine]
    runs: tuple[str, ...]
    learned: str | None = None
    expires: str | None = None
    varied: tuple[str, ...] = ()
    packages: dict[str, str] = {}
    bands: tuple[Band, ...]
