"""The reproduction does not run the recorded program, but one that replays the recorded results."""

from __future__ import annotations

import shutil

CAUGHT_BY = ("reproduction/foreign-command",)


def apply(repo):
    shutil.copytree(repo.root / "out", repo.root / "assets")
    repo.write("replay.py", "import shutil\n\nshutil.copytree('assets', 'out', dirs_exist_ok=True)\n")
    repo.commit("Add a quick way to reproduce")

    def replay(claims):
        claims["reproductions"][0]["command"] = ["python", "replay.py"]
        claims["code"]["commit"] = repo.git("rev-parse", "HEAD")
        claims["code"]["tree"] = repo.git("rev-parse", "HEAD^{tree}")

    repo.edit(replay)
    repo.commit("Reproduce quickly")
