"""Loads a project's own checks from the folders that its policy names, out of the tree that the policy was read from.

A check is ``<folder>/<family>/<defect>.py``, a module as those in ``checks/``: a docstring, ``RULE`` and ``check``. Files
whose names begin with ``_`` or ``test_``, and ``conftest.py``, are left alone; each check stands by itself and cannot
import its neighbours.

Own checks run inside the auditor with all of its rights: they are as trusted as the policy that names them, which is why
they are never taken from the change under judgement. What they print goes to standard error, and whatever they raise, also
an attempt to end the program, leaves the check ``crashed``. Not bounded are time and memory: a check that never returns
holds the gate up until the job is killed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from auditor import digest
from auditor.catalogue.check import Answers, Check, catalogue, from_module
from auditor.errors import AuditorError, PolicyError
from auditor.git import Repository
from auditor.model.finding import Finding
from auditor.model.words import EvidenceLevel

_T = TypeVar("_T")
_END = object()
_MOST_CHECKS = 500
_LIMIT = 1 << 20
_PLACE = re.compile(r"(?P<family>[a-z]+)/(?P<defect>[a-z]+(?:_[a-z]+)+)\.py")
_HINT = "a check lies at FAMILY/DEFECT.py below its folder, in small letters, the defect in two words: data/my_defect.py"


def committed(repository: Repository, commit: str, folders: Sequence[str], scratch: Callable[[], Path]) -> dict[str, Check]:
    """The checks in ``folders`` as ``commit`` holds them, by id; nothing of the working tree is read.

    Raises:
        PolicyError: a folder holds no check, or a file is none; the message names both.
    """
    if not folders:
        return {}
    entries = repository.entries(commit)
    found: dict[str, bytes] = {}
    for folder in folders:
        for path, entry in entries.items():
            if path.startswith(_below(folder)) and path.endswith(".py") and entry.kind == "blob" and not entry.is_link:
                if entry.size is None or entry.size > _LIMIT:
                    raise PolicyError(f"checks: {path} at {commit[:12]} is too large for a check, or not in this clone")
                found[path] = repository.read(commit, path) or b""
    return _loaded(folders, found, f"at {commit[:12]}", scratch)


def in_work_tree(root: Path, folders: Sequence[str], scratch: Callable[[], Path]) -> dict[str, Check]:
    """The checks in ``folders`` as they lie below ``root``, by id.

    Raises:
        PolicyError: a folder holds no check, or a file is none; the message names both.
    """
    found: dict[str, bytes] = {}
    for folder in folders:
        for file in sorted((root / folder).rglob("*.py")):
            path = file.relative_to(root).as_posix()
            if file.is_symlink() or not file.is_file():
                continue
            if file.stat().st_size > _LIMIT:
                raise PolicyError(f"checks: {path} is too large for a check")
            found[path] = file.read_bytes()
    return _loaded(folders, found, "in the working tree", scratch)


def _below(folder: str) -> str:
    return f"{folder.strip('/')}/"


def _loaded(folders: Sequence[str], files: Mapping[str, bytes], where: str, scratch: Callable[[], Path]) -> dict[str, Check]:
    """1. Take what is meant as a check. 2. Write it where only this audit looks. 3. Import it under a private name."""
    checks: dict[str, Check] = {}
    for folder in folders:
        mine = {path: content for path, content in files.items() if path.startswith(_below(folder)) and _is_meant(path)}
        if not mine:
            raise PolicyError(f"checks: the folder {folder} has no check {where}", hint=_HINT)
        if len(mine) > _MOST_CHECKS:
            raise PolicyError(f"checks: the folder {folder} has more than {_MOST_CHECKS} checks")
        for path, content in sorted(mine.items()):
            place = _PLACE.fullmatch(path.removeprefix(_below(folder)))
            if place is None:
                raise PolicyError(f"checks: {path} is not where a check can be", hint=_HINT)
            check = _check(path, content, f"{place['family']}/{place['defect']}.py", scratch)
            if check.rule.id in catalogue() or check.rule.id in checks:
                raise PolicyError(f"checks: {path}: there is a check called {check.rule.id} already", hint="rename the file")
            checks[check.rule.id] = check
    return dict(sorted(checks.items()))


def _is_meant(path: str) -> bool:
    name = PurePosixPath(path).name
    return not name.startswith(("_", "test_")) and name != "conftest.py"


def _check(path: str, content: bytes, place: str, scratch: Callable[[], Path]) -> Check:
    mark = digest.of_bytes(path.encode() + b"\0" + content).removeprefix("sha256:")[:16]
    file = scratch() / f"own-{mark}" / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    name = f"_auditor_own_{mark}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PolicyError(f"checks: {path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up by name
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
        check = from_module(module, file)
    except AuditorError as error:
        raise PolicyError(f"checks: {path}: {error.message.partition(': ')[2] or error.message}", hint=error.hint) from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  (also SystemExit: no check may end the program, least of all with 0)
        raise PolicyError(f"checks: {path} cannot be imported: {type(error).__name__}: {error}") from None
    if not inspect.getdoc(module):
        raise PolicyError(f"checks: {path} has no docstring", hint="say what it flags, why it matters and how to fix it")
    return replace(check, function=_guarded(check.function))


def _guarded(function: Callable[..., Answers]) -> Callable[..., Answers]:
    """The check with its output out of the report's way, its answers held to their types, and its exits made failures."""

    def answers(**evidence: object) -> Iterator[Finding | EvidenceLevel]:
        walk = _step(lambda: iter(function(**evidence)))
        while True:
            answer = _step(lambda: next(walk, _END))
            if answer is _END:
                return
            if not isinstance(answer, Finding | EvidenceLevel):
                raise TypeError(f"a check yields findings, this one yielded {type(answer).__name__}")
            yield answer

    return answers


def _step(step: Callable[[], _T]) -> _T:
    with contextlib.redirect_stdout(sys.stderr):
        try:
            return step()
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise RuntimeError(f"the check tried to end the program ({type(error).__name__})") from error
