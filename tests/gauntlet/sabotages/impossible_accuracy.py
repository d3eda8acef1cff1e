"""An accuracy that no 150 predictions can have, under rules that ask for a possible one; what it came from is struck out."""

from __future__ import annotations

from forgery import claim, rule

CAUGHT_BY = ("metrics/impossible-score",)
START = "started"


def apply(repo):
    rule(repo, severities={"metrics/impossible-score": "major"})
    repo.record()
    claim(repo, accuracy=0.9712)
    repo.edit(lambda claims: next(m for m in claims["metrics"] if m["name"] == "accuracy").pop("from"))
    repo.commit("Record a run")
