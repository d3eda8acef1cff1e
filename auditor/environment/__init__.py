"""Describes the interpreter, machine and libraries in which a command computes, and names the executor class they form."""

from __future__ import annotations

from auditor.environment.capture import capture
from auditor.environment.executor import classify
from auditor.environment.interpreter import Interpreter, executable, resolve
from auditor.environment.variables import allowed

__all__ = ["Interpreter", "allowed", "capture", "classify", "executable", "resolve"]
