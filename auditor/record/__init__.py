"""Runs a training command and writes down what went in and what came out."""

from __future__ import annotations

from auditor.record.request import DataItem, OutItem, Request, parse
from auditor.record.run import record

__all__ = ["DataItem", "OutItem", "Request", "parse", "record"]
