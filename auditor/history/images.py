"""Whether the container images of old runs are still on this machine. An address in a manifest is never dialled."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from auditor.evidence.change import Remark
from auditor.evidence.past import Probed
from auditor.history.record import Judged, Record
from auditor.reproduce.sandbox import container

MOST_IMAGES = 200
_PATIENCE = 60
_KIND = "image"


def probe(record: Record, audit: int, runs: Sequence[Judged]) -> Probed:
    """What became of the images of ``runs``, each looked for once: gone is what an earlier audit saw here."""
    images: dict[str, list[Judged]] = {}
    for run in runs:
        if run.facts.image is not None and run.state == "read":
            images.setdefault(run.facts.image, []).append(run)
    if not images:
        return Probed()
    engine, _ = container.find()
    gone: list[Remark] = []
    unanswered: list[str] = []
    for image, members in sorted(images.items())[:MOST_IMAGES]:
        here = _is_here(engine, image) if engine is not None else None
        if here is None:
            unanswered.append(f"{image}: neither podman nor docker can tell")
            continue
        before = record.sighted(_KIND, image)
        if here != before and (here or before is not None):
            record.sight(audit, _KIND, image, good=here)
        if not here and before is None:
            unanswered.append(f"{image} is not on this machine, and no audit here ever saw it")
        elif not here:
            names = ", ".join(run.id or run.manifest for run in members[:3])
            more = f" and {len(members) - 3} more" if len(members) > 3 else ""
            gone.append(Remark(message=f"{image} was here before and is gone ({names}{more})", file=members[0].manifest))
    if len(images) > MOST_IMAGES:
        unanswered.append(f"{len(images) - MOST_IMAGES} more images were not looked for")
    return Probed(looked_at=len(images), gone=tuple(gone), unanswered=tuple(unanswered))


def _is_here(engine: container.Engine, image: str) -> bool | None:
    command = engine.command("image", "inspect", image)
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode == 0:
        return True
    words = done.stderr.decode(errors="replace").lower()
    return False if "no such" in words or "not known" in words or "not found" in words else None
