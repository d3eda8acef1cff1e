"""The command lines that make a virtual environment from pins alone: no configuration of anybody, wheels, hashes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from auditor.errors import UndecidableError
from auditor.reproduce.environment.base import Base


@dataclass(frozen=True, slots=True, kw_only=True)
class Installer:
    """``program`` with its leading arguments; ``folders`` have to be visible for it to start."""

    name: str
    program: tuple[str, ...]
    folders: tuple[Path, ...]

    def steps(
        self, base: Base, target: Path, requirements: Path, *, index: str | None, build: bool
    ) -> tuple[tuple[str, ...], ...]:
        """The commands that create ``target`` and install ``requirements`` into it, to be run one after the other."""
        python = str(target / "bin" / "python")
        wheels = () if build else ("--only-binary", ":all:")
        if self.name == "uv":
            create = (
                "venv",
                "--no-config",
                "--no-python-downloads",
                "--no-project",
                "--relocatable",
                "--python",
                str(base.path),
            )
            fill = ("pip", "sync", "--no-config", "--no-python-downloads", "--python", python, "--require-hashes")
            at = ("--default-index", index) if index else ()
            return (
                (*self.program, *create, str(target)),
                (*self.program, *fill, *wheels, "--link-mode", "copy", *at, str(requirements)),
            )
        install = ("--isolated", "--no-input", "--disable-pip-version-check", "install", "--no-deps", "--no-cache-dir")
        at = ("--index-url", index) if index else ()
        return (
            (str(base.path), "-I", "-m", "venv", "--without-pip", str(target)),
            (*self.program, "--python", python, *install, "--require-hashes", *wheels, *at, "-r", str(requirements)),
        )


def find_installer() -> Installer:
    """The installer here: uv, or else the pip beside the auditor.

    Raises:
        UndecidableError: neither is there.
    """
    if program := _uv():
        return Installer(name="uv", program=(str(program),), folders=(program.parent,))
    if find_spec("pip") is not None:
        folders = [Path(sys.prefix), Path(sys.base_prefix)]
        return Installer(name="pip", program=(sys.executable, "-I", "-m", "pip"), folders=tuple(dict.fromkeys(folders)))
    raise UndecidableError("neither uv nor pip is installed here", hint="pip install 'ml-run-auditor[rebuild]'")


def _uv() -> Path | None:
    try:
        from uv import find_uv_bin  # noqa: PLC0415  (optional: the extra `rebuild`)

        return Path(find_uv_bin()).resolve()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
        return Path(found).resolve() if found else None


def connection() -> dict[str, str]:
    """The variables with which this machine reaches the network: proxies without credentials, certificates; no secrets."""
    names = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")
    found = {name: os.environ[name] for name in names if "@" not in os.environ.get(name, "@")}
    return found | {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true", "UV_NO_PROGRESS": "1", "PIP_CONFIG_FILE": os.devnull}


def certificates() -> Sequence[Path]:
    """Files of certificate authorities that this machine trusts beside its own collection."""
    named = (os.environ.get(name) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"))
    return [Path(name) for name in dict.fromkeys(filter(None, named)) if Path(name).is_file()]
