"""Which container may run a model: the recorded one, and updates that the policy names and a repeat of the run passed in."""

from __future__ import annotations

from auditor.evidence.deployment import Image
from auditor.evidence.unanswered import Inconclusive
from auditor.gate import verdicts
from auditor.gate.place import Place
from auditor.gate.subject import Subject
from auditor.ledger.entry import Kind
from auditor.model.run import Run
from auditor.model.words import Verdict
from auditor.policy.approvals import Standing


def image(given: str, place: Place, standing: Standing, subject: Subject) -> Image:
    """The image called ``given``, the one that the run recorded, and those that may take its place."""
    run = _run(subject)
    recorded = _image(run) if run is not None else None
    wanted = [one for one in place.policy.images if _digest(one) == _digest(given)]
    allowed = wanted if wanted and _repeat_passed(place, standing, subject.digest, _digest(given)) else []
    return Image(given=given, recorded=recorded, allowed=tuple(allowed))


def _repeat_passed(place: Place, standing: Standing, manifest: str, digest: str) -> bool:
    """Whether a repeat of the run with this manifest digest, made in the image, has an open verdict that counts."""
    for other in place.subjects():
        run = _run(other)
        if run is None or _digest(_image(run) or "") != digest or run.lineage is None:
            continue
        if any(parent.relation == "repeat-of" and parent.digest == manifest for parent in run.lineage.parents):
            if place.policy.trust.judges:
                said = verdicts.record(place, standing, other.digest).verdict
            else:
                entry = place.ledger.latest(Kind.VERDICT, other.digest)
                said = str(entry.body.get("verdict")) if entry is not None else None
            if said == Verdict.OPEN:
                return True
    return False


def _run(subject: Subject) -> Run | None:
    try:
        return subject.manifest.run
    except Inconclusive:
        return None


def _image(run: Run) -> str | None:
    environment = run.environment
    return environment.container.image if environment is not None and environment.container is not None else None


def _digest(image: str) -> str:
    return image.rpartition("@")[2]
