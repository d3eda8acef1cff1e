"""The weights are to run in another image than the run was made in."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"environment/foreign-image"}
ARGUMENTS = ("--image", "app@sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd")


def apply(team):
    recorded = {"image": "app@sha256:" + "ab" * 32}
    team.repo.edit(lambda claims: claims["environment"].update(container=recorded))
    team.repo.commit("Name the image")
    team.approve("approver")
