"""An owner waived, for a month, the one thing that is wrong with a run, and the finding stays visible."""

from __future__ import annotations

import datetime as dt

from people import hire


def apply(repo):
    keys = hire(repo, "owner")
    repo.edit(lambda claims: claims["configuration"].update(digest="sha256:" + 32 * "ab"))
    repo.commit("Spoil a digest")
    until = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    waive = ("waive", repo.manifest, "configuration/stale-digest", "--until", until, "--reason", "an old tool wrote it")
    repo.auditor(*waive, "--base", "main", "--key", str(keys["owner"])).expect(0)
