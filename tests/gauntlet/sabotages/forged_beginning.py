"""The curve of the first steps is smoother than it was, where the policy has the beginning of runs executed again."""

from __future__ import annotations

import json

from forgery import rule, settle

CAUGHT_BY = ("reproduction/diverged-reproduction",)
PROJECT = "loop"
START = "started"


def apply(repo):
    rule(repo, gates={"merge": {"tiers": ["digests", "recompute", "prefix"]}})
    repo.record()
    lines = [json.loads(line) for line in repo.read("out/trace.jsonl").splitlines()]
    for line in lines[20:]:
        line["loss"] *= 0.9
    repo.write("out/trace.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    settle(repo)
    repo.commit("Record a run")
