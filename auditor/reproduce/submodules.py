"""Brings the files of a commit's submodules into a workspace, from where this clone already has them."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from auditor.git import GitError
from auditor.reproduce import plumbing
from auditor.reproduce.checkout import Hidden, checkout

_DEPTH = 8


def fill(source: Path, target: Path, submodules: dict[str, str], *, hidden: Hidden, depth: int = 0) -> dict[str, str]:
    """Check out ``submodules`` (commit by path) below ``target``; those that are not in this clone are returned.

    Args:
        source: the superproject, or a submodule that has submodules of its own: a work tree, or a git directory.
        target: the superproject's files, which tell what its submodules are called.
        submodules: as :func:`~auditor.reproduce.checkout.checkout` found them.
        hidden: of paths relative to ``target``.
        depth: how many submodules this one lies in.
    """
    missing: dict[str, str] = {}
    for path, commit in submodules.items():
        lender = next((place for place in _places(source, target, path) if _has(place, commit)), None)
        if lender is None or depth == _DEPTH:
            missing[path] = commit
            continue
        unseen = _below(path, hidden)
        found = checkout(lender, commit, target / path, hidden=unseen)
        inner = fill(lender, target / path, found.submodules, hidden=unseen, depth=depth + 1)
        missing |= {f"{path}/{name}": commit for name, commit in inner.items()}
    return missing


def _below(path: str, hidden: Hidden) -> Hidden:
    return lambda name, is_link: hidden(f"{path}/{name}", is_link)


def _places(source: Path, target: Path, path: str) -> Iterator[Path]:
    """Where a clone keeps the objects of a submodule: in its own git directory, or checked out."""
    kept = plumbing.git(source, "rev-parse", "--path-format=absolute", "--git-common-dir").decode().removesuffix("\n")
    for name in dict.fromkeys((_name(target / ".gitmodules", path), path)):
        # The name stands in a file of the run: it never leads out of the folder of submodules.
        pure = PurePosixPath(name)
        if not pure.is_absolute() and ".." not in pure.parts and pure.parts:
            yield Path(kept, "modules", *pure.parts)
    if (source / path / ".git").exists():
        yield source / path


def _name(file: Path, path: str) -> str:
    """The name under which ``.gitmodules`` lists the submodule at ``path``; usually its path."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(
            "\n".join(line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines())
        )
    except (OSError, configparser.Error):
        return path
    found = (section for section in parser.sections() if parser.get(section, "path", fallback=None) == path)
    return next((section.removeprefix("submodule").strip().strip('"') for section in found), path)


def _has(place: Path, commit: str) -> bool:
    if not place.is_dir():
        return False
    try:
        plumbing.git(place, "cat-file", "-e", f"{commit}^{{commit}}")
    except GitError:
        return False
    return True
