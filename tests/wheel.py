"""Runs the contract and the checks' cases against the built wheel, installed where the checkout cannot be seen.

Usage: python tests/wheel.py DIST [PYTEST OPTION]... The dependencies are those of the environment that runs this.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("tests/checks", "tests/contracts", "tests/engine")


def main(dist: Path, options: list[str]) -> int:
    (wheel,) = dist.glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="auditor-wheel-") as folder:
        # Not the temporary folder itself: only its owner may enter it, and the sandbox is somebody else.
        home = Path(folder, "environment")
        venv.create(home, with_pip=True)
        python = home / "bin" / "python"
        install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
        subprocess.run(install, check=True)
        where = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        # A plain path in a .pth file lends the dependencies, but not the editable install of the checkout.
        Path(where, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        found = subprocess.run(
            [python, "-c", "import auditor; print(auditor.__file__)"],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
        ).stdout
        if not found.startswith(where):
            sys.stderr.write(f"the wheel is not what would be tested: {found}")
            return 1
        tests = [str(ROOT / test) for test in TESTS]
        command = [
            python,
            "-P",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *options,
            "-n",
            "2",
            "--rootdir",
            str(ROOT),
            *tests,
        ]
        return subprocess.run([*command, "-c", str(ROOT / "pyproject.toml")], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
