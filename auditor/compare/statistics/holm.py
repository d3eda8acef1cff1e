"""Holm's correction: many metrics at once without more false alarms than one (Holm 1979, Scandinavian J. Stat. 6, 65)."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.compare.statistics.base import level


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """The adjusted p-values by name, in the order given; a metric is rejected at level α when its own is at most α.

    Steps: 1 sort ascending, 2 multiply the i-th of M (from 0) by M - i, 3 never below the one before, never above 1.

    Raises:
        ValueError: a p-value outside [0, 1].
    """
    for name, p in p_values.items():
        if not 0 <= p <= 1:
            raise ValueError(f"{name} has the p-value {p}")
    adjusted: dict[str, float] = {}
    least = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        least = max(least, min(1.0, (len(p_values) - place) * p_values[name]))
        adjusted[name] = least
    return {name: adjusted[name] for name in p_values}


def rejected(p_values: Mapping[str, float], alpha: float = 0.05) -> tuple[str, ...]:
    """The names whose hypothesis falls at the family-wise level ``alpha``. Raises ValueError."""
    level(alpha)
    return tuple(name for name, p in holm(p_values).items() if p <= alpha)
