"""Brings the auditor into a repository: writes the commented policy, and nothing else."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import UsageError
from auditor.git import Repository
from auditor.policy.load import FILE, TEMPLATE

NEXT = (
    "git add auditor.yaml && git commit -m 'Let the auditor judge runs'",
    "auditor record --config conf/base.yaml --data train=data/train.csv --out out/model.npz -- python train.py",
    "auditor gate merge --base main",
)
"""What a new user does next, in order."""


def adopt(start: Path, *, force: bool) -> Path:
    """Write the policy at the root of the repository that holds ``start``, and return its path.

    Raises:
        UsageError: this is no git repository, or a policy is there already and ``force`` is not given.
    """
    with Repository.discover(start) as repository:
        target = repository.root / FILE
    if (target.exists() or target.is_symlink()) and not force:
        raise UsageError(f"{target} exists already", hint="--force overwrites it with the default policy")
    target.unlink(missing_ok=True)
    target.write_bytes(TEMPLATE.read_bytes())
    return target
