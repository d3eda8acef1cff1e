"""What every sandbox shows of this machine, and as whom its command runs."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Folders of the system beside ``/usr``; on most machines links into it."""

_SETTINGS = (
    "alternatives",
    "ca-certificates",
    "fonts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "pki/tls/certs",
    "ssl/certs",
    "ssl/openssl.cnf",
)
_NETWORK = ("resolv.conf", "gai.conf")
# Ids that systemd hands out to transient services: none of this machine's files belongs to them.
_FIRST_ID, _IDS = 61184, 4000

_ids = itertools.count(os.getpid())


def settings(*, network: bool) -> list[str]:
    """The files and folders of ``/etc`` that programs need and that hold nothing of this machine's own."""
    names = (*_SETTINGS, *(_NETWORK if network else ()))
    return [f"/etc/{name}" for name in names if Path("/etc", name).exists()]


def spare_id() -> int:
    """A user id that nobody here has, another one each time."""
    return _FIRST_ID + next(_ids) % _IDS


def give(folder: Path, uid: int) -> None:
    """Make ``folder`` and all in it the property of ``uid``."""
    for place, names, files in os.walk(folder):
        os.chown(place, uid, uid)
        for name in (*names, *files):
            os.chown(Path(place, name), uid, uid, follow_symlinks=False)
