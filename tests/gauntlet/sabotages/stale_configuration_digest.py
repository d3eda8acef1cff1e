"""The manifest claims another learning rate than the one its configuration digest stands for."""

from __future__ import annotations

CAUGHT_BY = ("configuration/stale-digest",)


def apply(repo):
    repo.edit(lambda claims: claims["configuration"]["effective"].update(learning_rate=0.05))
    repo.commit("Polish")
