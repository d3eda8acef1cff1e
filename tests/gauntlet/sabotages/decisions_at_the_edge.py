"""Scores within rounding of the threshold leave every tenth prediction open, and the recorded ones are all right."""

from __future__ import annotations

from forgery import elsewhere_scored

PROJECT = "forest"
CAUGHT_BY = ("reproduction/diverged-reproduction",)
START = "started"


def apply(repo):
    elsewhere_scored(repo, rows=12)
