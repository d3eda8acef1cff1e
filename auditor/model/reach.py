"""What agreement at each tier shows, and what it cannot show: said beside every result, so that nobody takes it for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from auditor.model.words import Tier


class Reach(NamedTuple):
    """``catches`` and ``misses`` go on from "it catches" and "it cannot see"."""

    catches: str
    misses: str

    def __str__(self) -> str:
        return f"catches {self.catches}; cannot see {self.misses}"


REACH: Final[Mapping[Tier, Reach]] = {
    Tier.DIGESTS: Reach(
        "bytes that are not the recorded ones",
        "whether those bytes came from the recorded run",
    ),
    Tier.RECOMPUTE: Reach(
        "figures that do not follow from the stored predictions and labels",
        "predictions that no model made",
    ),
    Tier.EVALUATE: Reach(
        "predictions and figures that the recorded weights do not give, and programs that ignore the weights",
        "where the weights came from, and test data that they were trained on",
    ),
    Tier.SMOKE: Reach(
        "code, data or environment that no longer run as recorded, dead seeds, and results that are not computed",
        "what the scaled-down run leaves out: where it is smaller than the run, later training may have gone another way",
    ),
    Tier.PREFIX: Reach(
        "another beginning: other code, data, seed, configuration or starting weights than the recorded ones",
        "anything after the last step that was executed, published weights included",
    ),
    Tier.SEGMENT: Reach(
        "replayed stretches that do not lead from one checkpoint to the next, whatever was published in between",
        "stretches that were not drawn (the bound says how many those can be), and a choice among several honest runs",
    ),
    Tier.FULL: Reach(
        "any result that the recorded code, data, seed and environment do not give",
        "a choice among several honest runs, and a fault of the code that comes out the same each time",
    ),
}
