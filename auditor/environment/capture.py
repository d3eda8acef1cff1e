"""Describes the environment of one interpreter on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from auditor.environment import container
from auditor.environment import hardware as machine
from auditor.environment import variables as names
from auditor.environment.executor import NUMERIC_PACKAGES, classify
from auditor.environment.interpreter import resolve
from auditor.errors import UndecidableError
from auditor.model.run import Container, Environment, Json

_PROBE = Path(__file__).with_name("probe.py")
_PATIENCE = 60.0


class Probed(TypedDict):
    """What the probe prints."""

    implementation: str
    version: str
    executable: str
    libc: str
    packages: dict[str, str]
    editable: list[str]
    folders: list[str]
    blas: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """An environment, and the folders in which its interpreter looks for modules."""

    environment: Environment
    folders: tuple[str, ...]


def capture(python: str | None, variables: Mapping[str, str], *, only: Sequence[str] = ()) -> Environment:
    """The environment in which a command started with ``variables`` by the interpreter ``python`` computes.

    Args:
        python: a path or a name on PATH, of an interpreter or of a script that names one; None for PATH's python.
        variables: the environment variables of the command. Only those on the allow-list are kept.
        only: the folders whose distributions count, instead of those where the interpreter would look: an environment that
            nobody should start is described from outside.

    Raises:
        UndecidableError: there is no interpreter, or it cannot be asked.
    """
    return examine(python, variables, only=only).environment


def examine(python: str | None, variables: Mapping[str, str], *, only: Sequence[str] = ()) -> Captured:
    """The same as :func:`capture`, with the interpreter's folders of modules.

    Raises:
        UndecidableError: there is no interpreter, or it cannot be asked.
    """
    found = resolve([python] if python else ["python"], variables, Path.cwd())
    if found.path is None:
        raise UndecidableError("there is no python on PATH to describe", hint="activate the environment of the run first")
    about = _ask(found.path, variables, only)
    box = machine.describe()
    housed = container.find(variables)
    environment = Environment(
        python=about["version"] if about["implementation"] == "cpython" else f"{about['implementation']} {about['version']}",
        platform=f"{box.system} {box.machine}" + (f" {about['libc']}" if about["libc"] else ""),
        hardware=_hardware(box) | ({"container": housed.kind} if housed else {}),
        executor=classify(_features(box, about, variables)),
        threads=dict(names.threads(variables, box.cpus)),
        variables=names.allowed(variables),
        packages=about["packages"],
        editable=tuple(about["editable"]),
        container=Container(image=housed.image) if housed and housed.image else None,
    )
    return Captured(environment=environment, folders=tuple(about["folders"]))


def _ask(python: str, variables: Mapping[str, str], only: Sequence[str]) -> Probed:
    extra = ["--only", *only] if only else [part for part in variables.get("PYTHONPATH", "").split(os.pathsep) if part]
    try:
        answer = subprocess.run(
            [python, "-I", str(_PROBE), *extra],
            env=dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
        about: Probed = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UndecidableError(
            f"{python} cannot be asked what it is: {error}", hint="it must be Python 3.8 or newer"
        ) from error
    return about | {"packages": dict(sorted(about["packages"].items()))}


def _hardware(box: machine.Hardware) -> dict[str, Json]:
    about: dict[str, Json] = {
        "cpu": {"model": box.model, "family": box.family, "flags": list(box.isa), "count": box.cpus},
        "accelerators": [dict(device) for device in box.accelerators],
    }
    return about | ({"memory": box.memory} if box.memory is not None else {})


def _features(box: machine.Hardware, about: Probed, variables: Mapping[str, str]) -> dict[str, Json]:
    """All that can change the last bit of a result. Not: hash seeds, locale, time zone; a result may not depend on them."""
    features: dict[str, Json] = {
        "machine": box.machine,
        "cpu": box.family,
        "isa": list(box.isa),
        "libc": about["libc"],
        "python": re.sub(r"^(\d+\.\d+).*", r"\1", about["version"]),
        "threads": dict(names.threads(variables, box.cpus)),
        "variables": names.numeric(variables),
        "packages": {name: about["packages"][name] for name in NUMERIC_PACKAGES if name in about["packages"]},
    }
    devices = [f"{d.get('model') or d['kind']} {d.get('driver', '')}".strip() for d in box.accelerators]
    features |= {"blas": about["blas"]} if about["blas"] else {}
    return features | ({"accelerators": devices} if devices else {})
