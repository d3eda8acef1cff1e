"""The manifest claims another number of epochs than the run had, with the configuration's digest put right."""

from __future__ import annotations

import hashlib

import rfc8785

CAUGHT_BY = ("configuration/stale-digest", "configuration/unapplied-override", "reproduction/diverged-reproduction")


def apply(repo):
    def longer(claims):
        configuration = claims["configuration"]
        configuration["effective"]["epochs"] = 40
        configuration["digest"] = f"sha256:{hashlib.sha256(rfc8785.dumps(configuration['effective'])).hexdigest()}"

    repo.edit(longer)
    repo.commit("Polish")
