"""Runs a check on a case written as a YAML file: the helper that the auditor's own checks are tested with.

A case is ``<cases>/<family>/<defect>/<outcome>[-words].yaml``; the file's name begins with the outcome it expects. In it:

``about``
    one sentence: what is special about this case;
``files``
    path to content, committed before the run (the recorded commit);
``encoded``
    the same for content that is no text, in base64;
``submodules``
    path to the commit of a submodule in the recorded commit;
``later``
    path to content, committed after the run (the judged commit), null to delete;
``manifest``
    a JSON merge patch (RFC 7396) over a small valid run. ``${commit}``, ``${tree}`` and ``${digest PATH}`` stand for what
    the recorded commit holds;
``raw``
    the manifest's text instead, for one that cannot be read;
``policy``, ``require``, ``reproductions``, ``answers``, ``change``, ``deployment``, ``past``
    the evidence of those names, where the check asks for it;
``findings``
    the JSON Pointers of the findings expected, in order;
``says``, ``hides``
    words that the findings and the reason must hold together, and words that they must not.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from auditor import digest
from auditor.catalogue.check import Check
from auditor.catalogue.checklists import Selected
from auditor.engine import Gathered, ask
from auditor.errors import UnreadableError
from auditor.evidence.answers import Answers
from auditor.evidence.change import Change
from auditor.evidence.claimed import ClaimedBytes, Scratch
from auditor.evidence.deployment import Deployment
from auditor.evidence.history import History
from auditor.evidence.manifest import Manifest
from auditor.evidence.measured import Measured
from auditor.evidence.past import Past
from auditor.evidence.reproductions import Reproductions
from auditor.evidence.rules import Rules
from auditor.git import Repository
from auditor.manifest.reader import Document, read, read_file
from auditor.manifest.write import dump
from auditor.model.finding import Result
from auditor.model.policy import Policy
from auditor.model.words import EvidenceLevel, Outcome

_MANIFEST = "runs/case.run.yaml"
_WHEN = "2026-01-02T03:04:05Z"
_MINIMAL: dict[str, object] = {
    "schema": "auditor/run-manifest/v1",
    "run": {"id": "case", "status": "succeeded", "started": "2026-01-02T03:05:00Z", "finished": "2026-01-02T03:06:00Z"},
    "code": {"commit": "${commit}", "tree": "${tree}", "entrypoint": ["python", "train.py"]},
}


class Case(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case, as written."""

    about: str
    files: dict[str, str] = {}
    encoded: dict[str, bytes] = {}
    submodules: dict[str, str] = {}
    later: dict[str, str | None] = {}
    manifest: dict[str, object] = {}
    raw: str | None = None
    policy: dict[str, object] = {}
    require: dict[str, tuple[EvidenceLevel, ...]] = {}
    reproductions: dict[str, object] = {}
    answers: dict[str, object] = {}
    change: dict[str, object] = {}
    deployment: dict[str, object] = {}
    past: dict[str, object] = {}
    findings: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()


def load(path: Path) -> tuple[Case, Outcome]:
    """The case in ``path`` and the outcome that its name expects.

    Raises:
        ValueError: the file's name begins with no outcome, or its content is no case.
    """
    name = path.stem
    expected = [outcome for outcome in Outcome if name == outcome or name.startswith(f"{outcome}-")]
    if not expected:
        raise ValueError(f"{path}: the name begins with none of {', '.join(Outcome)}")
    return msgspec.convert(read_file(path).value, Case), expected[0]


def run(case: Case, check: Check, folder: Path) -> Result:
    """The result of ``check`` on ``case``, in a git repository that is made in the empty directory ``folder``."""
    _commit(folder, {".keep": "", **case.files, **case.encoded}, case.submodules)
    with Repository.discover(folder) as repository:
        recorded = repository.commit("HEAD") or ""
        manifest = _manifest(case, folder, recorded, repository.tree(recorded) or "")
        if case.later:
            _commit(folder, case.later)
        head = repository.commit("HEAD") or ""
        scratch = Scratch()
        claimed = ClaimedBytes(root=folder, repository=repository, commit=head, scratch=scratch)
        policy = msgspec.convert(case.policy, Policy)
        evidence = Gathered(
            {
                "run": lambda: manifest.run,
                "manifest": lambda: manifest,
                "claimed": lambda: claimed,
                "measured": lambda: Measured(manifest.run, claimed),
                "history": lambda: History(repository, head),
                "reproductions": lambda: msgspec.convert(case.reproductions, Reproductions),
                "rules": lambda: Rules(policy=policy, require=case.require),
                "answers": lambda: msgspec.convert(case.answers, Answers),
                "change": lambda: msgspec.convert({"base": recorded, "head": head, **case.change}, Change),
                "deployment": lambda: msgspec.convert(case.deployment, Deployment),
                "past": lambda: msgspec.convert(case.past, Past),
            }
        )
        try:
            (result,) = ask([Selected(check=check, severity=check.rule.severity)], evidence, manifest.place)
        finally:
            scratch.close()
    return result


def _manifest(case: Case, folder: Path, commit: str, tree: str) -> Manifest:
    text = case.raw if case.raw is not None else dump(_merged(_MINIMAL, case.manifest))
    text = text.replace("${commit}", commit).replace("${tree}", tree)
    text = re.sub(r"\$\{digest ([^}]+)\}", lambda found: digest.of_file(folder / found[1])[0], text)
    try:
        document: Document = read(text.encode(), source=_MANIFEST)
    except UnreadableError as error:
        return Manifest(_MANIFEST, error=error)
    return Manifest(_MANIFEST, document)


def _merged(value: dict[str, object], patch: dict[str, object]) -> dict[str, object]:
    """``value`` with ``patch`` applied as a JSON merge patch (RFC 7396)."""
    merged = dict(value)
    for key, new in patch.items():
        old = merged.get(key)
        if new is None:
            merged.pop(key, None)
        elif isinstance(new, dict):
            merged[key] = _merged(old if isinstance(old, dict) else {}, new)
        else:
            merged[key] = new
    return merged


def _commit(folder: Path, files: Mapping[str, str | bytes | None], submodules: Mapping[str, str] | None = None) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            target.unlink()
        else:
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    links = (submodules or {}).items()
    for path, _ in links:
        (folder / path).mkdir(parents=True)
    add = [["update-index", "--add", "--cacheinfo", f"160000,{commit},{path}"] for path, commit in links]
    for arguments in (["init", "-q", "-b", "main"], *add, ["add", "-A"], ["commit", "-q", "--allow-empty", "-m", "case"]):
        subprocess.run(["git", *arguments], cwd=folder, env=_ENVIRONMENT, check=True, capture_output=True)


_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A Case",
    "GIT_AUTHOR_EMAIL": "case@example.org",
    "GIT_AUTHOR_DATE": _WHEN,
    "GIT_COMMITTER_NAME": "A Case",
    "GIT_COMMITTER_EMAIL": "case@example.org",
    "GIT_COMMITTER_DATE": _WHEN,
}
"""A git that depends on nobody's configuration, and whose commits are the same each time."""
