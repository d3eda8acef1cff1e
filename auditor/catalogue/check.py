"""A check of the catalogue and how it is found."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

from auditor.api import EVIDENCE
from auditor.errors import AuditorError
from auditor.model.finding import Finding, Rule
from auditor.model.words import EvidenceLevel
from auditor.resources import folder

Answers = Iterable[Finding | EvidenceLevel]

SECTIONS = ("## Why it matters", "## How to fix", "## When it cannot decide")
"""The sections that every check's manual page has, in this order."""


class CatalogueError(AuditorError):
    """A module in a folder of checks is no check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question about a run, about a change, about a deployment, or about the past."""

    rule: Rule
    page: str
    function: Callable[..., Answers]
    parameters: tuple[str, ...]

    @property
    def judges_change(self) -> bool:
        """Whether the check is about the difference between two commits, not about one run."""
        return "change" in self.parameters

    @property
    def judges_deployment(self) -> bool:
        """Whether the check is about bytes that are about to be deployed."""
        return "deployment" in self.parameters

    @property
    def judges_run(self) -> bool:
        """Whether the check is about one run."""
        return not (self.judges_change or self.judges_deployment or self.judges_past)

    @property
    def judges_past(self) -> bool:
        """Whether the check is about what an audit of the past found beside the runs."""
        return "past" in self.parameters


def from_module(module: ModuleType, path: Path) -> Check:
    """The check in ``module``.

    Raises:
        CatalogueError: the module has no ``RULE`` or ``check``, asks for unknown evidence, or is not where its id says.
    """
    rule, function = getattr(module, "RULE", None), getattr(module, "check", None)
    if not isinstance(rule, Rule) or not callable(function):
        raise CatalogueError(f"{path}: a check needs RULE (a Rule) and a function check")
    expected = f"{path.parent.name}/{path.stem.replace('_', '-')}"
    if rule.id != expected:
        raise CatalogueError(f"{path}: its rule is called {rule.id}, but its place says {expected}")
    parameters = tuple(inspect.signature(function).parameters)
    if unknown := [name for name in parameters if name not in EVIDENCE]:
        raise CatalogueError(
            f"{path}: check asks for {', '.join(unknown)}, which is no evidence", hint=f"known are {', '.join(EVIDENCE)}"
        )
    return Check(rule=rule, page=inspect.getdoc(module) or "", function=function, parameters=parameters)


class _Shipped(Mapping[str, Check]):
    """The checks in the folder ``checks``, by id: known by the names of their files, imported when they are asked for."""

    def __init__(self, places: dict[str, Path]) -> None:
        self._places = places
        self._loaded: dict[str, Check] = {}

    def __getitem__(self, check_id: str) -> Check:
        if check_id not in self._loaded:
            path = self._places[check_id]
            module = importlib.import_module(f"auditor.catalogue.{path.parent.name}.{path.stem}")
            self._loaded[check_id] = from_module(module, path)
        return self._loaded[check_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@cache
def catalogue() -> Mapping[str, Check]:
    """Every check that comes with the auditor, by id, sorted."""
    places = {f"{path.parent.name}/{path.stem.replace('_', '-')}": path for path in folder("checks").glob("*/*.py")}
    return _Shipped(dict(sorted(places.items())))
