"""A metric was typed in, and nobody but the gate looks again."""

from __future__ import annotations

from workbench import wrong_metric

GATE = "deploy"
CAUGHT_BY = {"metrics/wrong-metric"}


def apply(team):
    team.repo.edit(wrong_metric)
    team.repo.commit("Round it up")
    team.approve("approver")
