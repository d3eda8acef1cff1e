"""The weights are saved again, in another order and at another time, and the manifest follows."""

from __future__ import annotations

import zipfile

from forgery import settle


def apply(repo):
    path = repo.root / "out/model.npz"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in reversed(archive.namelist())}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 2, 29, 12, 0, 0)), content)
    settle(repo)
    repo.commit("Copy the checkpoint")
