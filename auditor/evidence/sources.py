"""The Python files that a run executed, as its commit holds them, parsed; nothing of them is ever imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from auditor.evidence.history import History
from auditor.evidence.unanswered import Inconclusive, NotApplicable
from auditor.git import GitError
from auditor.model.run import Run

_MOST_FILES = 2_000
_LIMIT = 2 << 20
_SMALL = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Spotted:
    """Something seen in a file at ``line`` (from 1), in words."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One parsed file. ``aliases`` maps the names that it imports to what they stand for."""

    path: str
    tree: ast.Module
    aliases: dict[str, str] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)

    def dotted(self, node: ast.AST) -> str:
        """What an expression such as ``np.random.rand`` names in full (``numpy.random.rand``), "" for any other."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        return ".".join([self.aliases.get(node.id, node.id), *reversed(parts)])

    def calls(self) -> Iterator[tuple[ast.Call, str]]:
        """Every call with the full name of what it calls."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node, self.dotted(node.func)

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What encloses a node, innermost first, up to the statement that it is part of."""
        while node in self.parents and not isinstance(node, ast.stmt):
            node = self.parents[node]
            yield node


def executed(run: Run, history: History) -> list[SourceFile]:
    """The files that the recorder saw the command read; without an observation, those that the command line names.

    Raises:
        NotApplicable: there is no Python among them.
        Inconclusive: the recorded code is not in this clone.
    """
    seen = {read.path for read in run.observed.reads} if run.observed is not None else set()
    named = set(run.code.entrypoint) if run.code is not None else set()
    paths = sorted(path.removeprefix("./") for path in seen | named if path.endswith(".py"))
    if not paths:
        raise NotApplicable("the run names no Python file that it executed")
    commit = history.source(run)
    if commit is None:
        raise Inconclusive("the recorded code is not in this clone")
    found = [parsed(path, history.repository.read(commit, path)) for path in paths[:_MOST_FILES]]
    files = [file for file in found if file is not None]
    if not files:
        raise Inconclusive("none of the executed Python files is in the recorded commit, or none can be parsed")
    return files


def submodules_of(history: History, commit: str) -> dict[str, str]:
    """The submodules in the tree of ``commit``: their commits by path.

    Raises:
        Inconclusive: the tree cannot be listed.
    """
    try:
        return {path: entry.sha for path, entry in history.repository.entries(commit).items() if entry.kind == "commit"}
    except GitError:
        raise Inconclusive("the tree of the recorded code cannot be listed") from None


def parsed(path: str, content: bytes | None) -> SourceFile | None:
    """The parsed file; None for one that is not there, too large, or no Python that this version parses."""
    if content is None or len(content) > _LIMIT:
        return None
    return _parsed_again(path, content) if len(content) <= _SMALL else _parsed(path, content)


@lru_cache(maxsize=64)
def _parsed_again(path: str, content: bytes) -> SourceFile | None:
    """Small files are kept: several checks look at them, and the next run's commit often has the same."""
    return _parsed(path, content)


def _parsed(path: str, content: bytes) -> SourceFile | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's own escapes are no concern of ours
            tree = ast.parse(content)
        file = SourceFile(path=path, tree=tree)
        for node in ast.walk(tree):
            _note(file, node)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return file


def _note(file: SourceFile, node: ast.AST) -> None:
    for child in ast.iter_child_nodes(node):
        file.parents[child] = node
    if isinstance(node, ast.Import):
        for alias in node.names:
            file.aliases[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            file.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
