"""Runs the whole gauntlet and prints its two figures: ``python tests/gauntlet/run.py``."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parent.parent))

from harness import Case, Played, Stable, cases, play
from workbench import environment


def table(title: str, rows: list[Played]) -> str:
    width = max(len(row.case.name) for row in rows)
    lines = [title]
    lines += [
        f"  {'ok' if row.is_right else 'NO':<3} {row.case.name:<{width}}  {row.seconds:5.1f} s  {row.words}" for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    everything: list[Case] = [*cases("sabotages"), *cases("honest")]
    with tempfile.TemporaryDirectory(prefix="gauntlet-") as folder:
        room = Path(folder)
        home = room / "home"
        home.mkdir()
        stable = Stable(room / "stable", environment(home))
        for case in everything:
            stable.prepare(case)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            played = list(pool.map(lambda case: play(case, stable, room / case.kind), everything))
    bad = [row for row in played if row.case.is_sabotage]
    good = [row for row in played if not row.case.is_sabotage]
    caught = sum(row.is_right for row in bad)
    blocked = sum(not row.is_right for row in good)
    sys.stdout.write(f"{table('sabotages', bad)}\n\n{table('honest variations', good)}\n\n")
    sys.stdout.write(f"caught by the right check: {caught} / {len(bad)}\n")
    sys.stdout.write(f"honest blocked:            {blocked} / {len(good)}\n")
    return 0 if caught == len(bad) and not blocked else 1


if __name__ == "__main__":
    raise SystemExit(main())
