"""The image is named by a tag."""

from __future__ import annotations

GATE = "deploy"
CAUGHT_BY = {"environment/foreign-image"}
ARGUMENTS = ("--image", "app:latest")


def apply(team):
    recorded = {"image": "app@sha256:" + "ab" * 32}
    team.repo.edit(lambda claims: claims["environment"].update(container=recorded))
    team.repo.commit("Name the image")
    team.approve("approver")
