"""The results of days are invented behind two honest steps, under rules that ask for figures which came out again."""

from __future__ import annotations

from forgery import repredict, reweigh, rule

CAUGHT_BY = ("metrics/insufficient-evidence",)
PROJECT = "fleet"
START = "started"


def apply(repo):
    rule(repo, gates={"merge": {"require": {"metrics": ["re-executed"]}}})
    repo.record()
    honest = repo.claims()["reproductions"]
    reweigh(repo, lambda w: w.update(w2=w["w2"] + 0.5))
    repredict(repo, lambda rows: [[row[0], row[1], row[1]] for row in rows])
    repo.edit(lambda claims: claims.update(reproductions=honest))
    repo.commit("Record a run")
