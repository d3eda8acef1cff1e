"""What stands in ``bundle.json``. See ``schemas/evidence.v1.schema.json``."""

from __future__ import annotations

from typing import Final

import msgspec

from auditor.model.run import Json
from auditor.model.words import Isolation, Tier
from auditor.reproduce.configure import Changes

SCHEMA: Final = "auditor/evidence/v1"
INDEX: Final = "bundle.json"
FILES: Final = "files"
MOST_BYTES: Final = 1 << 30
MOST_FILES: Final = 10_000


class _Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Common behaviour of all nouns here."""


class Job(_Told, frozen=True):
    """The continuous-integration run, and its attempt, that a bundle was made in."""

    id: str
    attempt: str


class Binding(_Told, frozen=True):
    """What a bundle is evidence for. It counts where all of it is as the judge knows it, and nowhere else.

    ``policy`` is the digest of the base's policy. ``challenge`` was drawn by whoever asked for the evidence.
    """

    head: str
    base: str
    policy: str
    repository: str | None = None
    run: Job | None = None
    challenge: str | None = None


class Variation(_Told, frozen=True):
    """What an execution changed of its reproduction: nothing by default. Two executions with equal ones answer alike.

    ``arguments`` are argv indices to seed values; ``kept`` is the share of training rows that was kept; ``shifted`` are the
    explicit seeds that were handed on plus one; ``repeat`` counts executions that change nothing;
    ``altered`` put other weights in the place of those that are evaluated; ``nudged`` moved the training data by their last
    bit.
    """

    values: dict[str, Json] = {}
    arguments: dict[str, str] = {}
    variables: dict[str, str] = {}
    kept: float | None = None
    shifted: tuple[str, ...] = ()
    repeat: int = 0
    altered: bool = False
    nudged: str = ""

    @classmethod
    def of(  # noqa: PLR0913  (each is a variation of its own)
        cls,
        changes: Changes | None,
        *,
        kept: float | None,
        shifted: frozenset[str],
        repeat: int,
        altered: bool,
        nudged: str = "",
    ) -> Variation:
        """The variation in the arguments of :meth:`auditor.reproduce.trial.Lab.prepare`."""
        made = changes or Changes()
        return cls(
            values=dict(made.values),
            arguments={str(index): text for index, text in made.arguments.items()},
            variables=dict(made.variables),
            kept=kept,
            shifted=tuple(sorted(shifted)),
            repeat=repeat,
            altered=altered,
            nudged=nudged,
        )

    @property
    def key(self) -> bytes:
        """What two equal variations have in common."""
        return msgspec.json.encode(self, order="deterministic")


class Output(_Told, frozen=True):
    """One file that the command created, by the path at which it wrote it."""

    path: str
    digest: str
    size: int


class Absent(_Told, frozen=True):
    """A declared output that does not count, and why; ``refused`` where reading it would be unsafe."""

    path: str
    reason: str
    refused: bool = False


class Words(_Told, frozen=True):
    """The last words of a command that failed: text of the audited, shown to people and nothing else."""

    stdout: str = ""
    stderr: str = ""


class Executed(_Told, frozen=True):
    """One execution of a reproduction, or, with a ``reason``, why there is none.

    ``argv`` is in the words of the record. ``commit`` names the files that filled the workspace. ``seedings`` is the digest
    of the probe's notes.
    """

    name: str
    tier: Tier
    commit: str
    argv: tuple[str, ...] = ()
    isolation: Isolation = Isolation.NONE
    environment: str = ""
    executor: str = ""
    features: dict[str, Json] = {}
    started: str | None = None
    finished: str | None = None
    seconds: float = 0.0
    exit: int | None = None
    timed_out: bool = False
    variation: Variation | None = None
    outputs: tuple[Output, ...] = ()
    absent: tuple[Absent, ...] = ()
    seedings: str | None = None
    words: Words | None = None
    reason: str | None = None


class RunEvidence(_Told, frozen=True):
    """All executions of one manifest, which is known by its ``digest``."""

    manifest: str
    digest: str
    reproductions: tuple[Executed, ...]


class Tool(_Told, frozen=True):
    """The program that orchestrated the executions."""

    version: str


class Bundle(Binding, frozen=True, kw_only=True):
    """The whole of ``bundle.json``."""

    schema: str
    tool: Tool
    runs: tuple[RunEvidence, ...]
