"""Segments of a PyTorch run with dropout and Adam are replayed."""

from __future__ import annotations

PROJECT = "torch"
START = "challenged"


def apply(repo):
    assert repo.claims()["checkpoints"]["count"] == 5
