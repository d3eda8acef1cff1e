"""The predictions have columns that no metric asks for."""

from __future__ import annotations

START = "started"


def apply(repo):
    repo.replace("train.py", '["id,label,prediction"]', '["id,remark,label,prediction,margin"]')
    repo.replace("train.py", 'f"{i},{t},{p}"', "f'{i},\"right, or not\",{t},{p},{t - p}'")
    repo.commit("Say more")
    repo.record()
    repo.commit("Record a run")
