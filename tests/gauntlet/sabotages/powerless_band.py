"""Main trusts a band so wide that a model which learned nothing would fall into it."""

from __future__ import annotations

from forgery import trust

CAUGHT_BY = ("metrics/powerless-tolerance",)
START = "started"


def apply(repo):
    repo.record()
    trust(repo, {"of": "metric:*", "n": 3, "mean": 0.5, "s": 0.4})
