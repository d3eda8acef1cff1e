"""Every tree of an honest boosted model is trained again."""

from __future__ import annotations

PROJECT = "lightgbm"
START = "challenged"


def apply(repo):
    assert "Tree=29" in repo.read("out/model.txt")
