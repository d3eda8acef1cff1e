"""What a challenge asks for, and by which rules its answer is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from auditor import digest
from auditor.model.policy import Bound
from auditor.model.run import Run


def _uncounted(_run: str, _root: str) -> int:
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """How many segments are drawn at random, and what is replayed beside them.

    Attributes:
        top: how many segments with the largest relative updates are replayed in any case.
        bounds: what hyperparameters (and ``batch_size``) may be, by name.
        key: the verifier's secret; ``is_local`` tells that whoever has this clone can read it.
        policy: digest of the rules in force.
        count: registers a root for a run and tells how many different ones are known, this one included.
    """

    segments: int = 20
    top: int = 2
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    key: bytes = b""
    is_local: bool = True
    policy: str = digest.EMPTY
    count: Callable[[str, str], int] = _uncounted


def identity(run: Run) -> str:
    """Digest of what was run: code, command, configuration, data and seeds.

    It leaves out whatever a manifest says in prose: rewording that would draw another challenge for the same training.
    """
    configuration, randomness = run.configuration, run.randomness
    return digest.of_value(
        {
            "tree": run.code.tree if run.code else None,
            "command": list(run.code.entrypoint) if run.code else [],
            "configuration": configuration.digest if configuration else None,
            "data": sorted(source.digest or "" for source in run.data),
            "seeds": {name: str(seed.value) for name, seed in (randomness.seeds if randomness else {}).items()},
        }
    )
