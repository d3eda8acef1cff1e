"""The container is named by a tag, under rules that ask for a digest."""

from __future__ import annotations

from forgery import rule

CAUGHT_BY = ("environment/mutable-image",)
START = "started"


def apply(repo):
    rule(repo, severities={"environment/mutable-image": "major"})
    repo.record()
    image = "docker.io/library/python:3.11"
    repo.edit(lambda claims: claims["environment"].update(container={"image": image}))
    repo.commit("Record a run")
