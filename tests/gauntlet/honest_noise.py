"""What makes a program noisy by nature: it measures something of the machine beside its figures."""

from __future__ import annotations

WOBBLE = """
import json
import os
from pathlib import Path

wobble = int.from_bytes(os.urandom(2), "big") / 65536
figures = json.loads(Path("out/metrics.json").read_text())
Path("out/metrics.json").write_text(json.dumps(figures | {"latency": 0.9 + 0.01 * wobble}))
"""
