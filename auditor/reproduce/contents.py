"""Reads what executions wrote, and tells whether two of them wrote the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from auditor.compare.errors import Refused
from auditor.compare.files import compare_artifact
from auditor.compare.metrics import read_metrics_file
from auditor.errors import AuditorError, EmptySelectionError
from auditor.model.comparison import Comparison
from auditor.model.policy import Tolerances
from auditor.model.run import Artifact
from auditor.model.words import Agreement
from auditor.reproduce.expected import Expected
from auditor.reproduce.trial import Trial


def figures_of(expected: Expected, attempt: Trial) -> tuple[dict[str, float], list[Comparison]]:
    """The figures that the command wrote, and a comparison for every file of figures that is missing or unreadable."""
    figures: dict[str, float] = {}
    unread = []
    for path in expected.metrics_files:
        made = attempt.made(path)
        why = made.reason
        if made.path is not None:
            try:
                figures |= read_metrics_file(made.path)
                continue
            except (Refused, EmptySelectionError, OSError) as error:
                why = str(error)
        agreement = Agreement.REFUSED if made.refused else Agreement.DIVERGED
        unread.append(Comparison(of=f"file:{path}", agreement=agreement, note=f"no figures can be read: {why}"))
    return figures, unread


def same_content(path: str, artifact: Artifact, one: Trial, other: Trial, tolerances: Tolerances) -> bool:
    """Whether two attempts wrote the same to ``path``: the same bytes, or bytes that hold bitwise equal numbers."""
    return not differences(path, artifact, one, other, tolerances)


def differences(path: str, artifact: Artifact, one: Trial, other: Trial, tolerances: Tolerances) -> list[Comparison]:
    """What two attempts wrote differently to ``path``; empty when both wrote the same."""
    left, right = one.made(path).path, other.made(path).path
    if left is None or right is None:
        gone = Comparison(of=f"file:{path}", agreement=Agreement.DIVERGED, note="one of two executions did not write it")
        return [] if left is right else [gone]
    if one.digest(path) == other.digest(path):
        return []
    if left.is_dir() or right.is_dir():
        return [Comparison(of=f"file:{path}", agreement=Agreement.DIVERGED)]
    found = compare(left, right, artifact, path, tolerances, same_executor=True)
    return [c for c in found if c.agreement is not Agreement.BITWISE]


def under_its_name(recorded: Path, path: str, folder: Path) -> Path:
    """The recorded bytes as a file with the suffix of ``path``: a store names files by digest, readers go by suffix."""
    if recorded.suffix == Path(path).suffix:
        return recorded
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.replace("/", "_")
    if not copy.exists():
        shutil.copyfile(recorded, copy)
    return copy


def compare(  # noqa: PLR0913  (two files, what they are, and by which rules they are judged)
    expected: Path, actual: Path, artifact: Artifact, path: str, tolerances: Tolerances, *, same_executor: bool
) -> tuple[Comparison, ...]:
    """What two versions of the output ``path`` have in common; one that cannot be read is a comparison, too."""
    try:
        return compare_artifact(
            expected, actual, path=path, role=artifact.role, tolerances=tolerances, same_executor=same_executor
        )
    except (AuditorError, OSError) as error:
        agreement = Agreement.REFUSED if isinstance(error, Refused) else Agreement.INCONCLUSIVE
        return (Comparison(of=f"file:{path}", agreement=agreement, note=str(error)),)
