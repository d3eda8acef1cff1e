"""The claims of one training run, as typed, frozen nouns.

The shapes mirror ``schemas/run-manifest.v1.schema.json`` one to one. Everything here is a *claim*: a :class:`Run`
says what somebody wrote down, never what is true. Only ``schema`` and ``run`` must be present, so that a run of an old
or foreign recorder can be described without inventing values; what is missing is named in :attr:`Run.unavailable`.

Digests are ``sha256:<64 hex>``. Paths are POSIX, relative to the repository root.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from auditor.model.words import Tier

Json = object
"""Any JSON value: None, bool, int, float, str, list or dict with string keys."""


class _Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Common behaviour of all manifest nouns."""


class Supersedes(_Claim, frozen=True):
    """What this run or snapshot replaces, and why."""

    digest: str
    reason: str


class RunInfo(_Claim, frozen=True):
    """Identity and fate of the run. ``started`` and ``finished`` are RFC 3339 UTC times."""

    id: str
    status: Literal["succeeded", "failed", "interrupted"]
    started: str | None = None
    finished: str | None = None
    author: str | None = None
    purpose: str | None = None
    supersedes: Supersedes | None = None


class Submodule(_Claim, frozen=True):
    """A submodule's commit at the time of the run."""

    path: str
    commit: str


class FileRef(_Claim, frozen=True):
    """A file and the digest of its bytes."""

    path: str
    digest: str | None = None


class Code(_Claim, frozen=True):
    """The source. Identified by ``tree``; ``commit`` says where to fetch it."""

    repository: str | None = None
    commit: str | None = None
    tree: str | None = None
    submodules: tuple[Submodule, ...] = ()
    dirty: bool = False
    patch: FileRef | None = None
    entrypoint: tuple[str, ...] = ()


class Executor(_Claim, frozen=True):
    """The hardware and numeric-library fingerprint in which bit-equality may be expected."""

    class_: str = msgspec.field(name="class")
    features: dict[str, Json] = {}


class Lock(_Claim, frozen=True):
    """A lock file of the environment."""

    path: str
    digest: str | None = None
    kind: str | None = None


class Container(_Claim, frozen=True):
    """The container image, by digest."""

    image: str


class Environment(_Claim, frozen=True):
    """Interpreter, machine and libraries of the process that trained."""

    python: str | None = None
    platform: str | None = None
    hardware: dict[str, Json] = {}
    executor: Executor | None = None
    threads: dict[str, Json] = {}
    variables: dict[str, str] = {}
    packages: dict[str, str] = {}
    editable: tuple[str, ...] = ()
    lock: Lock | None = None
    container: Container | None = None


class Origin(_Claim, frozen=True):
    """Where one configuration value came from, and what it shadowed."""

    source: str
    detail: str | None = None
    shadows: tuple[Json, ...] = ()


class Configuration(_Claim, frozen=True):
    """The configuration files and the effective, merged configuration.

    ``digest`` is the canonical (RFC 8785) digest of ``effective``. ``origins`` is keyed by JSON Pointer into ``effective``.
    """

    files: tuple[FileRef, ...] = ()
    effective: dict[str, Json] = {}
    digest: str | None = None
    origins: dict[str, Origin] = {}


class Seed(_Claim, frozen=True):
    """One seed and the place where a verifier can change it.

    ``at`` is a JSON Pointer into the effective configuration (``/seed``), an index into the entrypoint's argv (``3``), or
    the name of an environment variable (``PYTHONHASHSEED``).
    """

    value: int | str
    at: int | str


class Randomness(_Claim, frozen=True):
    """Seeds, determinism flags, or the reason why the run needs neither."""

    seeds: dict[str, Seed] = {}
    flags: dict[str, Json] = {}
    deterministic: str | None = None


class Transformation(_Claim, frozen=True):
    """One step that turned some snapshots into others."""

    name: str
    code: FileRef | None = None
    parameters: dict[str, Json] = {}
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


class DataColumns(_Claim, frozen=True):
    """Which columns of a table mean what."""

    id: str | None = None
    label: str | None = None
    group: str | None = None
    time: str | None = None


class DataSource(_Claim, frozen=True):
    """One data set snapshot that the run read. ``size`` is in bytes; ``records`` counts data rows."""

    name: str
    role: Literal["train", "validation", "test", "labels", "parent-weights", "other"] = "other"
    path: str | None = None
    uri: str | None = None
    mount: str | None = None
    format: str | None = None
    version: str | None = None
    digest: str | None = None
    size: int | None = None
    records: int | None = None
    columns: DataColumns | None = None
    source: str | None = None
    license: str | None = None
    supersedes: Supersedes | None = None
    transformations: tuple[Transformation, ...] = ()


class Stage(_Claim, frozen=True):
    """A stage that can be re-run alone."""

    name: str
    command: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    parameters: dict[str, Json] = {}
    seeds: tuple[str, ...] = ()


class Artifact(_Claim, frozen=True):
    """One file that the run wrote. ``size`` is in bytes."""

    name: str
    role: Literal["weights", "checkpoint", "predictions", "labels", "metrics", "trace", "log", "plot", "other"] = "other"
    path: str | None = None
    uri: str | None = None
    mount: str | None = None
    digest: str | None = None
    size: int | None = None
    format: str | None = None
    stage: str | None = None


class MetricParameters(_Claim, frozen=True):
    """Parameters without which a metric's name says too little."""

    average: str | None = None
    positive: Json = None
    k: int | None = None
    threshold: float | None = None


class MetricColumns(_Claim, frozen=True):
    """Which columns of the predictions and labels files a metric is computed from."""

    id: str | None = None
    label: str | None = None
    prediction: str | None = None
    probability: str | None = None


class MetricSource(_Claim, frozen=True):
    """The files a verifier recomputes a metric from: names or paths of artifacts or data."""

    predictions: str | None = None
    labels: str | None = None
    columns: MetricColumns | None = None


class Metric(_Claim, frozen=True):
    """One claimed figure. A missing ``value`` is explained in :attr:`Run.unavailable`."""

    name: str
    value: float | None = None
    split: str | None = None
    dataset: str | None = None
    step: int | None = None
    kind: str | None = None
    parameters: MetricParameters | None = None
    from_: MetricSource | None = msgspec.field(name="from", default=None)


class Checkpoints(_Claim, frozen=True):
    """Commitment to the run's checkpoints: Merkle ``root`` over ``count`` leaves, every ``interval`` steps."""

    root: str | None = None
    interval: int | None = None
    count: int | None = None
    leaves: FileRef | None = None
    trace: FileRef | None = None


class Needs(_Claim, frozen=True):
    """What a reproduction needs of a machine. ``memory`` is in bytes."""

    accelerator: bool = False
    memory: int | None = None


class ExpectedMetric(_Claim, frozen=True):
    """A metric that a reproduction produced when it was recorded."""

    name: str
    value: float | None = None


class ExpectedArtifact(_Claim, frozen=True):
    """An artifact that a reproduction produced when it was recorded."""

    path: str
    digest: str | None = None
    role: str = "other"


class Expect(_Claim, frozen=True):
    """What a reproduction is expected to produce."""

    metrics: tuple[ExpectedMetric, ...] = ()
    artifacts: tuple[ExpectedArtifact, ...] = ()


class Reproduction(_Claim, frozen=True):
    """A seeded reproduction that a verifier can execute. ``timeout`` is in seconds.

    ``scale`` holds the only configuration values that may differ from the recorded run (dotted key to value).
    """

    name: str
    tier: Tier = Tier.SMOKE
    command: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    scale: dict[str, Json] = {}
    needs: Needs | None = None
    timeout: float | None = None
    expect: Expect | None = None


class Observed(_Claim, frozen=True):
    """The files that the recorder saw the command read."""

    reads: tuple[FileRef, ...] = ()
    ignored: tuple[str, ...] = ()
    method: Literal["audit-hook", "strace", "none"] = "none"


class Parent(_Claim, frozen=True):
    """A run or artifact that this run was built from."""

    digest: str
    relation: Literal["initialised-from", "continued-from", "repeat-of", "distilled-from", "derived-from"]


class Lineage(_Claim, frozen=True):
    """Where this run comes from."""

    parents: tuple[Parent, ...] = ()


class Run(_Claim, frozen=True):
    """All claims of one manifest."""

    schema: str
    run: RunInfo
    code: Code | None = None
    environment: Environment | None = None
    configuration: Configuration | None = None
    randomness: Randomness | None = None
    data: tuple[DataSource, ...] = ()
    stages: tuple[Stage, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checkpoints: Checkpoints | None = None
    reproductions: tuple[Reproduction, ...] = ()
    observed: Observed | None = None
    lineage: Lineage | None = None
    unavailable: dict[str, str] = {}
    extensions: dict[str, Json] = {}

    def why_unavailable(self, pointer: str) -> str | None:
        """The recorded reason why the value at ``pointer``, or one of its parents, could not be given."""
        while pointer:
            if pointer in self.unavailable:
                return self.unavailable[pointer]
            pointer = pointer.rpartition("/")[0]
        return None
