"""``python -m auditor``. The folder that it is started in is code under audit: no module is ever taken from there."""

from __future__ import annotations

import sys
from pathlib import Path

# Python puts the present folder first (PYTHONSAFEPATH would not). Our own package is found by now, wherever it lies.
if sys.path and Path(sys.path[0]).resolve() == Path.cwd() and Path.cwd() != Path(__file__).resolve().parent.parent:
    del sys.path[0]

from auditor.cli import main

if __name__ == "__main__":
    main()
