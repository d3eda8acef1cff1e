"""Runs inside the interpreter that is described, which may be another one than ours: stand-alone, Python 3.8 or newer.

Imports nothing of the libraries it lists: their versions are the names of their ``dist-info`` folders. Arguments are
further folders to look in (``PYTHONPATH``), or after ``--only`` the ones to look in instead. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import re
import site
import sys


def _folders(extra: list[str]) -> list[str]:
    if extra[:1] == ["--only"]:
        return [folder for folder in extra[1:] if os.path.isdir(folder)]  # noqa: PTH112
    found = list(extra) + sys.path
    # Started isolated (-I), this process ignores the user's own packages; the command, started plainly, does not.
    in_venv = sys.prefix != sys.base_prefix
    if not in_venv and not os.environ.get("PYTHONNOUSERSITE"):
        found.append(site.getusersitepackages())
    return [folder for folder in dict.fromkeys(found) if os.path.isdir(folder)]  # noqa: PTH112


def _is_editable(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "direct_url.json"), encoding="utf-8") as stream:  # noqa: PTH118, PTH123
            about = json.load(stream)
    except (OSError, ValueError):
        return False
    return isinstance(about, dict) and bool((about.get("dir_info") or {}).get("editable"))


def _distributions(folders: list[str]) -> tuple[dict[str, str], list[str]]:
    versions: dict[str, str] = {}
    editable: set[str] = set()
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208
        except OSError:
            continue
        for name in names:
            match = re.match(r"^(.+?)(?:-([^-]+)(?:-py[0-9.]+)?\.(?:dist|egg)-info|\.egg-link)$", name)
            if match is None:
                continue
            normalised = re.sub(r"[-_.]+", "-", match.group(1)).lower()  # PEP 503
            if match.group(2) is None or _is_editable(os.path.join(folder, name)):  # noqa: PTH118
                editable.add(normalised)
            if match.group(2) is not None:
                versions.setdefault(normalised, match.group(2))
    return versions, sorted(editable)


def _blas(folders: list[str]) -> list[str]:
    """Linear algebra that wheels bring along (``numpy.libs``), by file name: it holds vendor, version and build."""
    found: set[str] = set()
    for folder in folders:
        for place in ("numpy.libs", "numpy/.dylibs", "scipy.libs", "scipy/.dylibs"):
            try:
                names = os.listdir(os.path.join(folder, place))  # noqa: PTH118, PTH208
            except OSError:
                continue
            found.update(place + "/" + name for name in names if re.search(r"blas|mkl|blis|atlas|accelerate", name.lower()))
    return sorted(found)


def _libc() -> str:
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, OSError, ValueError):
        name = None
    return name or ""


def main() -> None:
    """Print what this interpreter is and has."""
    folders = _folders(sys.argv[1:])
    versions, editable = _distributions(folders)
    about = {
        "implementation": sys.implementation.name,
        "version": ".".join(str(part) for part in sys.version_info[:3]),
        "executable": sys.executable,
        "libc": _libc(),
        "packages": versions,
        "editable": editable,
        "folders": [os.path.abspath(folder) for folder in folders],  # noqa: PTH100
        "blas": _blas(folders),
    }
    sys.stdout.write(json.dumps(about))


if __name__ == "__main__":
    main()
