"""The manifest was changed after it was approved."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"governance/missing-approval"}


def apply(team):
    team.repo.edit(lambda claims: claims["run"].update(purpose="something else"))
    team.repo.commit("Say what it was for")
    team.judge()
