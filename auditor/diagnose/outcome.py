"""Says what outputs that differ usually mean, where no trace tells in which step a run went another way."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.model.comparison import Comparison, ReproductionResult
from auditor.model.run import Run
from auditor.model.words import Agreement

_AGREES = Agreement.STATISTICALLY_CONSISTENT


def by_outputs(run: Run, results: Sequence[ReproductionResult]) -> str:
    """The first stage of the pipeline (weights, predictions, figures) that differs, with the likely cause in words."""
    comparisons = [comparison for result in results for comparison in result.comparisons]
    if not comparisons:
        return "; ".join(result.note or result.agreement for result in results) or "nothing was re-executed"
    if all(comparison.agreement is Agreement.BITWISE for comparison in comparisons):
        return "every output is equal to the last bit"
    weights = {artifact.path for artifact in run.artifacts if artifact.role == "weights"}
    differ = [comparison for comparison in comparisons if comparison.agreement is not Agreement.BITWISE]
    stages = {
        "weights": [c for c in differ if _path(c) in weights],
        "predictions": [c for c in differ if c.of.startswith("predictions:")],
        "figures": [c for c in differ if c.of.startswith("metric:")],
    }
    if first := stages["weights"]:
        numeric = all(c.agreement <= _AGREES for c in first)
        cause = (
            "sums in another order: kernels, threads, another processor"
            if numeric
            else "a seed, an input or a library that is not the recorded one"
        )
        hint = "record with --checkpoints to learn at which step"
        return f"the weights differ ({_named(first)}): usually {cause}; {hint}"
    if first := stages["predictions"]:
        cause = "threads or batch size of the evaluation, dropout left on, or another precision"
        return f"the weights are equal and the predictions differ ({_named(first)}): usually {cause}"
    if first := stages["figures"]:
        cause = "the metric's own code: averaging, threshold or rounding"
        return f"the predictions are equal and a figure differs ({_named(first)}): usually {cause}"
    return f"weights, predictions and figures are equal; {_named(differ)} differs"


def _path(comparison: Comparison) -> str:
    return comparison.of.partition(":")[2].partition("#")[0]


def _named(comparisons: Sequence[Comparison]) -> str:
    return ", ".join(comparison.of for comparison in comparisons[:3])
