"""Finds the folders that travel with the package: ``checks/`` and ``schemas/``.

In a wheel they lie inside the package (``auditor/_checks``), in a checkout beside it. A folder of that name that merely
happens to lie next to the package, as any other wheel could put into ``site-packages``, is never taken.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


@cache
def folder(name: Literal["checks", "schemas"]) -> Path:
    """Path of the folder ``name``, in a wheel or in a checkout.

    Raises:
        FileNotFoundError: the installation is incomplete.
    """
    inside = _PACKAGE / f"_{name}"
    if inside.is_dir():
        return inside
    root = _PACKAGE.parent
    project = root / "pyproject.toml"
    if project.is_file() and 'name = "ml-run-auditor"' in project.read_text(encoding="utf-8"):
        return root / name
    raise FileNotFoundError(f"the installation lacks its {name} folder ({inside}); reinstall ml-run-auditor")
