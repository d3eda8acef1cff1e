"""Writes the guard's workflows into a repository: what asks for it, the guard itself, and what comes after a merge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from auditor.errors import UsageError
from auditor.git import Repository
from auditor.policy.adopt import adopt
from auditor.policy.load import FILE

TEMPLATES: Final = Path(__file__).with_name("workflows")
FOLDER: Final = Path(".github/workflows")
NAMES: Final = ("audit-request.yml", "audit.yml", "audit-after.yml")

PINNED: Final = {
    "CHECKOUT": "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2",
    "RESTORE": "actions/cache/restore@6849a6489940f00c2f30c0fb92c6274307ccb58a # v4.1.2",
    "SAVE": "actions/cache/save@6849a6489940f00c2f30c0fb92c6274307ccb58a # v4.1.2",
    "PYTHON": "actions/setup-python@0b93645e9fea7318ecaed2b359559ac225c90a2b # v5.3.0",
    "UPLOAD": "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2",
    "DOWNLOAD": "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0",
}
"""The only foreign actions that the guard uses, at commits."""

_ACTION = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}(/[A-Za-z0-9_./-]{1,200})?@[0-9a-f]{40}")


NEXT: Final = (
    "git add auditor.yaml .github && git commit -m 'Let the auditor guard merges', and push it to the default branch",
    "in audit.yml, job execute: install what your runs need",
    "in Settings > Rules: require the check auditor/BRANCH from GitHub Actions, and branches to be up to date",
)
"""What is to be done next, in order."""


def guard(start: Path, action: str, *, force: bool) -> list[str]:
    """Write the policy, unless there is one, and the workflows, which use ``action`` (``OWNER/REPO@SHA``); their paths.

    Raises:
        UsageError: the action is not pinned to a commit, this is no repository, or a workflow is there and not ``force``.
    """
    if not _ACTION.fullmatch(action) or ".." in action:
        raise UsageError(
            f"{action!r} is no action at a commit", hint="--action OWNER/REPO@SHA, with all 40 digits: a tag can be moved"
        )
    with Repository.discover(start) as repository:
        root = repository.root
    targets = [root / FOLDER / name for name in NAMES]
    for target in targets:
        if (target.exists() or target.is_symlink()) and not force:
            raise UsageError(f"{target} exists already", hint="--force overwrites it")
    policy = root / FILE
    wrote = [] if policy.exists() and not force else [adopt(root, force=force)]
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.write_text(_filled(target.name, action), encoding="utf-8")
    return [path.relative_to(root).as_posix() for path in (*wrote, *targets)]


def _filled(name: str, action: str) -> str:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    for word, pinned in (PINNED | {"ACTION": action}).items():
        text = text.replace(f"uses: {word}\n", f"uses: {pinned}\n")
    return text
