"""The image is the recorded one, from a mirror."""

from __future__ import annotations

GATE = "deploy"
ARGUMENTS = ("--image", "mirror.example.org/app@sha256:abababababababababababababababababababababababababababababababab")


def apply(team):
    recorded = {"image": "app@sha256:" + "ab" * 32}
    team.repo.edit(lambda claims: claims["environment"].update(container=recorded))
    team.repo.commit("Name the image")
    team.approve("approver")
