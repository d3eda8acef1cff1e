"""What a model registry has to be able to do, in the fewest words: a second registry is one module that does it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from auditor.errors import UndecidableError, UsageError

_URI = re.compile(r"models:/(?P<model>[^/@:]+)(?:/(?P<number>[0-9]+)|@(?P<alias>[^/@:]+))")


class RegistryError(UndecidableError):
    """A registry that cannot be asked, or whose answer cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A version by number, or the one that an alias leads to."""

    model: str
    number: str | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, uri: str) -> Name:
        """The name in ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``.

        Raises:
            UsageError: it is neither.
        """
        match = _URI.fullmatch(uri)
        if match is None:
            raise UsageError(f"{uri!r} names no model version", hint="write models:/NAME/VERSION or models:/NAME@ALIAS")
        return cls(model=match["model"], number=match["number"], alias=match["alias"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a registry shows of the run behind a version. Its digests of data are not among it: they are not believed."""

    id: str
    place: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a model, as the registry describes it: claims, all of them."""

    model: str
    number: str
    source: str
    tags: Mapping[str, str] = field(default_factory=dict)
    run: Shown | None = None

    @property
    def uri(self) -> str:
        """What to call it."""
        return f"models:/{self.model}/{self.number}"


class Registry(Protocol):
    """A model registry. Every method raises :class:`RegistryError` when the registry cannot be asked."""

    def version(self, name: Name) -> Version:
        """The version called ``name``."""

    def aliases(self, model: str) -> Mapping[str, str]:
        """The number of the version that each alias of a model leads to."""

    def download(self, version: Version, to: Path) -> Mapping[str, Path]:
        """Every file of a version, put into the directory ``to``, by its name within the version."""

    def register(self, model: str, files: Mapping[str, Path], shown: Shown, tags: Mapping[str, str]) -> Version:
        """A new version with these files and what is to be shown of their run. ``shown.id`` and ``place`` are not used."""

    def tag(self, version: Version, tags: Mapping[str, str]) -> None:
        """Write tags beside a version."""

    def alias(self, version: Version, alias: str) -> None:
        """Let an alias lead to a version."""
