"""The run is said to have been finished a year before the commit that it ran was written."""

from __future__ import annotations

CAUGHT_BY = ("lineage/impossible-time",)


def apply(repo):
    def earlier(claims):
        for moment in ("started", "finished"):
            year, rest = claims["run"][moment].split("-", 1)
            claims["run"][moment] = f"{int(year) - 1}-{rest}"

    repo.edit(earlier)
    repo.commit("Correct the date")
