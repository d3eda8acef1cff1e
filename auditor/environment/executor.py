"""Names the executor class: the hardware and numeric-library fingerprint in which bit-equality may be expected."""

from __future__ import annotations

from collections.abc import Mapping

from auditor import digest
from auditor.model.run import Executor, Json

NUMERIC_PACKAGES = (
    "catboost",
    "cupy",
    "jax",
    "jaxlib",
    "lightgbm",
    "numba",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "statsmodels",
    "tensorflow",
    "torch",
    "xgboost",
)
"""Distributions whose version can change floating-point results."""


def classify(features: Mapping[str, Json]) -> Executor:
    """The executor whose class is a readable prefix and 12 hex digits over all ``features``.

    Equal features always give the same class; any other thread count, variable, library version or instruction set gives
    another. An honest limit: a class too fine only costs bit-equality (a tolerance decides instead), one too coarse would
    call honest machines divergent, so the CPU's own model is part of it.
    """
    widest = _widest(features.get("isa"))
    prefix = "-".join(str(part).lower() for part in (features.get("machine") or "unknown", widest))
    return Executor(
        class_=f"{prefix}-{digest.of_value(dict(features)).removeprefix('sha256:')[:12]}", features=dict(features)
    )


def _widest(isa: Json) -> str:
    present = set(isa) if isinstance(isa, list) else set()
    order = ("avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "asimd")
    return next((name for name in order if name in present), "base")


def numeric_stack(executor: Executor) -> str:
    """Digest of the numeric libraries and their versions: a tolerance measured with others says nothing here."""
    packages = executor.features.get("packages")
    return digest.of_value(packages if isinstance(packages, dict) else {})
