"""The stores that ``auditor history audit`` understands, one module each, imported when one is named."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from auditor.errors import UsageError
from auditor.git import Repository
from auditor.history.found import RunStore

FORMS = "a folder, a git repository, or a URL that fsspec understands, such as s3://bucket/runs or mlflow+http://host:port/EXPERIMENT"


def opened(named: str, patterns: tuple[str, ...]) -> list[RunStore]:
    """The stores that ``named`` stands for: two for a git repository, its history and its working tree.

    Raises:
        UsageError: it names nothing that holds manifests.
    """
    scheme = urlsplit(named).scheme if "://" in named else ""
    if scheme.startswith("mlflow"):
        from auditor.history.stores.mlflow import MlflowStore  # noqa: PLC0415  (optional, and slow to import)

        return [MlflowStore(named)]
    if scheme and scheme != "file":
        from auditor.history.stores.remote import RemoteStore  # noqa: PLC0415  (optional, and slow to import)

        return [RemoteStore(named)]
    return _local(Path(urlsplit(named).path if scheme else named), patterns)


def _local(folder: Path, patterns: tuple[str, ...]) -> list[RunStore]:
    from auditor.history.stores.folder import FolderStore  # noqa: PLC0415  (each only where it is named)
    from auditor.history.stores.git import GitStore, WorkTreeStore  # noqa: PLC0415

    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint=f"name {FORMS}")
    try:
        repository = Repository.discover(folder)
    except UsageError:
        return [FolderStore(folder.resolve())]
    with repository:
        below = folder.resolve().relative_to(repository.root.resolve()).as_posix()
        inside = "" if below == "." else f"{below}/"
        worktree = WorkTreeStore(repository.root, patterns, inside)
        return [GitStore(repository.root, patterns, inside), worktree] if repository.commit("HEAD") else [worktree]
