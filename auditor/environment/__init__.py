"""Describes the interpreter, machine and libraries in which a command computes, and names the executor class they form."""

from __future__ import annotations

from auditor.environment.capture import Captured, capture, examine
from auditor.environment.executor import classify
from auditor.environment.interpreter import Interpreter, executable, resolve
from auditor.environment.modules import distributions_of
from auditor.environment.variables import allowed

__all__ = [
    "Captured",
    "Interpreter",
    "allowed",
    "capture",
    "classify",
    "distributions_of",
    "examine",
    "executable",
    "resolve",
]
