"""The training data's digest is sixty-four zeros: it looks like one and identifies nothing."""

from __future__ import annotations

CAUGHT_BY = ("schema/invalid-manifest", "data/undigested-dataset")


def apply(repo):
    repo.edit(lambda claims: claims["data"][0].update(digest="sha256:" + "0" * 64))
    repo.commit("Fill in the form")
