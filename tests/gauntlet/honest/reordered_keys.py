"""The keys of the manifest are put into another order and a comment is added, before the merge."""

from __future__ import annotations

import yaml


def apply(repo):
    claims = repo.claims()
    turned = {key: claims[key] for key in sorted(claims, reverse=True)}
    repo.write(repo.manifest, "# told in another order\n" + yaml.safe_dump(turned, sort_keys=True))
    repo.commit("Sort")
