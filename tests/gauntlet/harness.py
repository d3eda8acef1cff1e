"""Discovers the gauntlet's cases, plays them against their gate, and says what became of each.

A case is one file in ``sabotages/`` or ``honest/``: a docstring of one sentence, the project it starts from
(``PROJECT``) and how far that project has got (``START``: ``started``, ``recorded``, ``merged`` or ``challenged``), and
``apply(repo)``, which does the deed and commits it. It may return another repository that is to be judged instead, such
as a clone. A sabotage names in ``CAUGHT_BY`` the checks of which at least one must be among those that stopped it;
``VERDICT`` is ``blocked`` unless the contract asks for ``undecided``.

A case with ``GATE = "deploy"`` is asked of the deploy gate. Its ``apply`` is given a :class:`team.Team` whose merged run a
judge said open to and somebody approved; ``KEY`` is who asks (a judge; None for somebody without a key), ``ARGUMENTS`` are
more options.
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from team import Team
from workbench import VERDICT_EXITS, Answer, Repo, challenged, merged, recorded, results, started

HERE = Path(__file__).resolve().parent
OWNERS = {"owners": ["owner@example.org"], "approvers": [], "judges": [], "identities": {}}


@dataclass(frozen=True)
class Case:
    """One file of the gauntlet."""

    name: str
    kind: str
    sentence: str
    project: str
    start: str
    apply: Callable[[Any], Repo | None]
    caught_by: frozenset[str] = frozenset()
    verdict: str = "open"
    gate: str = "merge"
    key: str | None = "judge"
    arguments: tuple[str, ...] = ()

    @property
    def is_sabotage(self) -> bool:
        return self.kind == "sabotages"


@dataclass(frozen=True)
class Played:
    """How the gate answered to a case. ``stopped_by`` are the checks that kept it from opening."""

    case: Case
    verdict: str
    stopped_by: frozenset[str]
    seconds: float
    answer: str

    @property
    def is_right(self) -> bool:
        if self.verdict != self.case.verdict:
            return False
        return not self.case.is_sabotage or bool(self.stopped_by & self.case.caught_by)

    @property
    def words(self) -> str:
        by = f" by {', '.join(sorted(self.stopped_by))}" if self.stopped_by else ""
        return f"{self.verdict}{by}"


def cases(kind: str) -> Iterator[Case]:
    """All cases of a kind (``sabotages`` or ``honest``), by name."""
    for path in sorted((HERE / kind).glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"gauntlet_{kind}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        bad = kind == "sabotages"
        yield Case(
            name=path.stem.replace("_", "-"),
            kind=kind,
            sentence=module.__doc__.strip(),
            project=getattr(module, "PROJECT", "network"),
            start=getattr(module, "START", "recorded"),
            apply=module.apply,
            caught_by=frozenset(module.CAUGHT_BY if bad else ()),
            verdict=getattr(module, "VERDICT", "blocked") if bad else "open",
            gate=getattr(module, "GATE", "merge"),
            key=getattr(module, "KEY", "judge"),
            arguments=getattr(module, "ARGUMENTS", ()),
        )


class Stable:
    """Keeps each project at each stage, recorded once, and gives out copies."""

    def __init__(self, root: Path, shell: dict[str, str]) -> None:
        self._root = root
        self._shell = shell
        self._made: dict[tuple[str, str], Repo] = {}
        self._released: dict[str, Team] = {}

    def template(self, project: str, stage: str) -> Repo:
        key = (project, stage)
        if key not in self._made:
            root = self._root / f"{project}-{stage}"
            match stage:
                case "started":
                    made = started(root, self._shell, project, lambda policy: policy.update(trust=OWNERS))
                case "recorded":
                    made = recorded(self.template(project, "started").copy(root))
                case "merged":
                    made = merged(self.template(project, "recorded").copy(root))
                case "challenged":
                    made = challenged(self.template(project, "started").copy(root))
                case _:
                    raise ValueError(stage)
            self._made[key] = made
        return self._made[key]

    def released(self, project: str) -> Team:
        """The project with its run merged, judged and approved."""
        if project not in self._released:
            repo = self.template(project, "merged").copy(self._root / f"{project}-released")
            repo.checkout("main")
            keys = self._root / "keys"
            keys.mkdir(exist_ok=True)
            team = Team(repo, keys)
            team.trust(approvals=1)
            team.judge()
            team.approve("approver")
            for who in ("second", "stranger", "judge2"):
                team.key(who)
            self._released[project] = team
        return self._released[project]

    def prepare(self, case: Case) -> None:
        """Make what the case starts from."""
        if case.gate == "deploy":
            self.released(case.project)
        else:
            self.template(case.project, case.start)


def play(case: Case, stable: Stable, room: Path) -> Played:
    """Do the deed in a fresh copy below ``room`` and ask the gate."""
    answer, seconds = (_deployed if case.gate == "deploy" else _merged)(case, stable, room / case.name)
    report = answer.json()
    assert answer.exit == VERDICT_EXITS[report["verdict"]], str(answer)
    stopping = {"blocked": {"failed"}, "undecided": {"inconclusive", "crashed"}, "open": set()}[report["verdict"]]
    stopped_by = {r["check"] for r in results(report) if r["outcome"] in stopping and r["severity"] in {"major", "blocker"}}
    shutil.rmtree(room / case.name, ignore_errors=True)
    return Played(case, report["verdict"], frozenset(stopped_by), seconds, str(answer))


def _merged(case: Case, stable: Stable, room: Path) -> tuple[Answer, float]:
    repo = stable.template(case.project, case.start).copy(room / "repository")
    judged = case.apply(repo) or repo
    begun = time.monotonic()
    answer = judged.gate(base="main" if judged is repo else "origin/main")
    return answer, time.monotonic() - begun


def _deployed(case: Case, stable: Stable, room: Path) -> tuple[Answer, float]:
    original = stable.released(case.project)
    team = Team(original.repo.copy(room / "repository"), original.keys)
    case.apply(team)
    manifest = team.manifest or team.repo.manifest
    begun = time.monotonic()
    answer = team.deploy(manifest, *case.arguments, key=case.key, artifact=team.artifact)
    return answer, time.monotonic() - begun
