"""Provides the interpreter and libraries that a run is executed again with: from its lock, or the ones that are here."""

from __future__ import annotations

from auditor.reproduce.environment.provide import Provided, provide

__all__ = ["Provided", "provide"]
