"""Says whether this machine is a container, and of which image where anything inside can know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "AUDITOR_IMAGE"
"""Whoever starts a container knows its image and can say so; inside, nothing else does."""

_KINDS = ("docker", "kubepods", "containerd", "lxc", "libpod", "garden")
_DIGEST = re.compile(r"(?:\A|@)sha256:[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Housing:
    """``kind`` of container (docker, podman, ...); ``image`` as it was named, None where nobody said."""

    kind: str
    image: str | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether the image is named by digest: a tag may lead to other bytes tomorrow."""
        return self.image is not None and _DIGEST.search(self.image) is not None


def find(variables: Mapping[str, str], root: Path = Path("/")) -> Housing | None:
    """The container that this process is in, None outside of any.

    Args:
        variables: the command's environment; ``AUDITOR_IMAGE`` names the image.
        root: where the file system begins.
    """
    image = variables.get(VARIABLE) or None
    if image is not None and not image.isprintable():
        image = None
    podman = _text(root / "run/.containerenv")
    if podman is not None:
        # Podman tells a privileged container what it is: image="docker.io/library/python:3.11", imageid="<hex>".
        about = dict(re.findall(r'^(\w+)="([^"]*)"$', podman, re.MULTILINE))
        if image is None and re.fullmatch(r"[0-9a-f]{64}", about.get("imageid", "")):
            image = f"{about['image']}@sha256:{about['imageid']}" if about.get("image") else f"sha256:{about['imageid']}"
        return Housing(kind="podman", image=image)
    if (root / ".dockerenv").exists():
        return Housing(kind="docker", image=image)
    if file := variables.get("APPTAINER_CONTAINER") or variables.get("SINGULARITY_CONTAINER"):
        return Housing(kind="apptainer", image=image or (file if file.isprintable() else None))
    groups = _text(root / "proc/1/cgroup") or ""
    kind = next((kind for kind in _KINDS if kind in groups), variables.get("container") or None)
    if kind is None and image is None:
        return None
    return Housing(kind=kind or "unknown", image=image)


def _text(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(1 << 16)
    except OSError:
        return None
