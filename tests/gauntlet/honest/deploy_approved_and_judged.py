"""A judge's verdict and an approval are on record."""

from __future__ import annotations

GATE = "deploy"
KEY = None


def apply(team):
    assert team.entries("verdict")
