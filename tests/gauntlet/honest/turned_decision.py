"""On the machine that recorded it, rounding took one example to the other side of a decision, and accuracy with it."""

from __future__ import annotations

from forgery import elsewhere_scored

PROJECT = "forest"
START = "started"


def apply(repo):
    elsewhere_scored(repo, rows=1)
