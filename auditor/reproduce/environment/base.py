"""Finds an interpreter on this machine of the version that a run recorded, to build its environment on."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auditor.errors import UndecidableError

_PATIENCE = 60.0
# The variables of dependency markers (PEP 508), and what a virtual environment is built on.
_QUESTION = """
import json, os, platform, sys
print(json.dumps({
    "base": getattr(sys, "_base_executable", sys.executable) or sys.executable,
    "prefixes": [sys.base_prefix, sys.base_exec_prefix],
    "machine": {
        "implementation_name": sys.implementation.name,
        "implementation_version": platform.python_version(),
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    },
    "libc": "-".join(platform.libc_ver()),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An installed Python that environments are built on; ``machine`` holds its marker variables (PEP 508)."""

    path: Path
    prefixes: tuple[Path, ...]
    machine: Mapping[str, str]
    libc: str

    @property
    def minor(self) -> str:
        """``3.11``, as wheels are built for."""
        return self.machine["python_version"]

    @property
    def identity(self) -> str:
        """What decides which wheels fit: implementation, version, platform."""
        about = self.machine
        system = f"{about['sys_platform']} {about['platform_machine']} {self.libc}"
        return f"{about['implementation_name']} {about['python_full_version']} {system} {self.path}"


def find_base(recorded: str | None, current: Path) -> Base:
    """The Python under ``current``, or another one of this machine, whose minor version is that of ``recorded``.

    Raises:
        UndecidableError: there is none.
    """
    wanted = re.match(r"3\.\d+", recorded or "")
    here = _ask(str(current))
    if wanted is None or here.minor == wanted[0]:
        return here
    other = shutil.which(f"python{wanted[0]}")
    if other is None:
        raise UndecidableError(
            f"it needs Python {wanted[0]}, which is not installed here", hint=f"install python{wanted[0]}"
        )
    return _ask(other)


@cache
def _ask(path: str) -> Base:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            [path, "-I", "-c", _QUESTION], cwd="/", env=variables, capture_output=True, check=True, timeout=_PATIENCE
        )
        about = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UndecidableError(f"{path} cannot be asked what it is: {error}") from None
    return Base(
        path=Path(about["base"]),
        prefixes=tuple(dict.fromkeys(Path(prefix) for prefix in about["prefixes"])),
        machine=about["machine"],
        libc=about["libc"],
    )
