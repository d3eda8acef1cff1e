"""Segments of an honest run are replayed."""

from __future__ import annotations

PROJECT = "stepwise"
START = "challenged"


def apply(repo):
    assert repo.claims()["checkpoints"]["count"] == 9
