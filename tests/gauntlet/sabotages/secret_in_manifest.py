"""The manifest holds an access token."""

from __future__ import annotations

CAUGHT_BY = ("security/leaked-secret",)


def apply(repo):
    token = "ghp_" + "q7Rk2LmX9vTz4BnW8cYd1HsJ6fGp3aEu0iOK"
    repo.edit(lambda claims: claims["environment"].setdefault("variables", {}).update(GH_ACCESS=token))
    repo.commit("Add the environment")
