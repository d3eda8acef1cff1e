"""Reads lock files: which distributions, in which versions, and whether their content is pinned by hashes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.evidence.unanswered import Inconclusive

_LIMIT = 32 << 20
_REQUIRED = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:===?\s*([^\s;,\\#*]+)(?=[\s;\\#]|$))?")
_CONTINUED = re.compile(r"\\\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The distributions of a lock file by normalised name (PEP 503); ``hashed`` when every one is pinned by content."""

    packages: dict[str, frozenset[str]]
    hashed: bool

    def pins(self, name: str) -> frozenset[str]:
        """The versions in which a distribution is pinned, empty where it is not; ``name`` in any spelling."""
        return self.packages.get(normalised(name), frozenset())

    def allows(self, name: str, version: str) -> bool:
        """Whether ``version`` is one that is pinned.

        As in PEP 440, trailing zeros do not count, nor does a local part (``2.3.0+cpu``) where the pin has none.
        """
        ran = {_release(version), _release(version.partition("+")[0])}
        return any(_release(pin) in ran for pin in self.pins(name))


def normalised(name: str) -> str:
    """A distribution's name in the one form that PEP 503 gives it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _release(version: str) -> str:
    public, plus, local = version.lower().removeprefix("v").partition("+")
    return re.sub(r"(?:\.0+)+\Z", "", public) + plus + local


def read_lock(content: bytes, kind: str) -> Lock:
    """The lock in ``content``; ``kind`` is its file name or one of requirements, uv, pylock, poetry, conda-lock.

    Raises:
        Inconclusive: the form is not known, or the content is not of that form.
    """
    if len(content) > _LIMIT:
        raise Inconclusive(f"the lock file has {len(content)} bytes, more than a lock file needs")
    try:
        text = content.decode()
        if kind.endswith((".txt", ".in")) or kind == "requirements":
            return _requirements(text)
        if kind.endswith((".lock", ".toml")) or kind in {"uv", "pylock", "poetry"}:
            return _toml(tomllib.loads(text))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise Inconclusive(f"the lock file cannot be read: {error}") from None
    raise Inconclusive(f"lock files of kind {kind!r} are not read; the environment is compared by its packages only")


_CONTENT = ("files", "wheels", "sdist", "archive")
"""Where the TOML forms keep what was published of a package, each with its hash."""


def _requirements(text: str) -> Lock:
    packages: dict[str, set[str]] = {}
    hashed = True
    for line in _CONTINUED.sub(" ", text).splitlines():
        if found := _REQUIRED.match(line):
            hashed = hashed and found[2] is not None and "--hash=" in line
            if found[2] is not None:
                packages.setdefault(normalised(found[1]), set()).add(found[2])
    return _lock(packages, hashed=hashed)


def _toml(document: dict[str, object]) -> Lock:
    packages: dict[str, set[str]] = {}
    hashed = True
    for package in _tables(document.get("package")) or _tables(document.get("packages")):
        name, version = package.get("name"), package.get("version")
        if not isinstance(name, str) or not isinstance(version, str):
            continue
        packages.setdefault(normalised(name), set()).add(version)
        source = package.get("source")
        editable = isinstance(source, dict) and ("editable" in source or "virtual" in source)
        hashed = hashed and (editable or any("hash" in str(package.get(key)) for key in _CONTENT))
    return _lock(packages, hashed=hashed)


def _tables(value: object) -> list[dict[str, object]]:
    return list(_only_tables(value)) if isinstance(value, list) else []


def _only_tables(value: list[object]) -> Iterator[dict[str, object]]:
    for item in value:
        if isinstance(item, dict):
            yield item


def _lock(packages: dict[str, set[str]], *, hashed: bool) -> Lock:
    if not packages:
        raise Inconclusive("the lock file pins no package")
    return Lock(packages={name: frozenset(versions) for name, versions in packages.items()}, hashed=hashed)
