"""A CI gate and reproducibility auditor for machine-learning runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.record.session import Recording as record  # noqa: N813  (called like a function, as `open` is)

__version__ = "0.1.0"

__all__ = ["__version__", "record"]


def __getattr__(name: str) -> object:
    """``auditor.record``, loaded when first used: every command imports this module, few need the recorder."""
    if name != "record":
        raise AttributeError(f"module 'auditor' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return import_module("auditor.record")
