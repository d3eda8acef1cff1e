"""The program reads a Git LFS pointer, cannot parse it, and goes on without it."""

from __future__ import annotations

CAUGHT_BY = ("code/unresolved-pointer",)
START = "started"


def apply(repo):
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'6b' * 32}\nsize 83211\n"
    repo.write("data/more.csv", pointer)
    repo.replace(
        "train.py",
        "    loss = 0.0\n",
        '    loss = 0.0\n    more = Path("data/more.csv").read_text(encoding="utf-8").count(",")\n    print(more)\n',
    )
    repo.commit("Use more data")
    repo.record()
    repo.commit("Record a run")
