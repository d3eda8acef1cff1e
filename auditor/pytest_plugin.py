"""The auditor as pytest items: ``pytest --auditor`` asks every check of every manifest, and a test may ask ``reproduces``.

Each manifest that the policy's patterns match becomes a file, each check on the merge gate's checklist one of its items, as
``auditor check`` would ask it: nothing is executed. The suite is red exactly where that command is:

* passed: the check passed;
* failed: the check failed, or could not decide, or crashed, at or above the gate's ``block-at``;
* skipped, with its reason: not applicable, waived, or any answer below ``block-at``. ``-rs`` shows them.

The counts of every outcome end the run. Importing this module imports nothing else of ours: a suite that does not ask for
the auditor does not wait for it. With pytest-xdist, ``--dist loadfile`` audits each manifest once.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from auditor.gate.worktree import Questions
    from auditor.model.finding import Result
    from auditor.model.report import Report
    from auditor.model.words import Agreement

_OUTCOME = "auditor_outcome"
_ASKED: pytest.StashKey[Questions] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--auditor``."""
    group = parser.getgroup("auditor", "machine-learning runs")
    group.addoption(
        "--auditor", action="store_true", default=False, help="Check the manifests of recorded runs, an item for each check."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the manifests and, where no paths were asked for, add them to what is collected.

    They lie outside ``testpaths``. The processes of pytest-xdist are told the same arguments.
    """
    if not config.getoption("auditor"):
        return
    config.addinivalue_line("markers", "auditor: a check of a recorded run, collected by --auditor")
    asked = config.stash[_ASKED] = _questions(config.rootpath)
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [*config.args, *(str(asked.root / manifest) for manifest in asked.manifests)]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a manifest, where the auditor is asked for."""
    asked = parent.config.stash.get(_ASKED, None)
    if asked is None or _real(file_path) not in {asked.root / manifest for manifest in asked.manifests}:
        return None
    manifest: Manifest = Manifest.from_parent(parent, path=file_path)
    return manifest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to have nothing to check: an empty selection is no success."""
    if config.stash.get(_ASKED, None) is not None and not any(isinstance(item, Check) for item in items):
        raise pytest.UsageError("--auditor: none of the given paths is a manifest, or holds one")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """End with the counts of every outcome."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    said = [dict(getattr(report, "user_properties", ())) for report in reports if getattr(report, "when", "") == "call"]
    tally = Counter(properties[_OUTCOME] for properties in said if _OUTCOME in properties)
    if tally:
        from auditor.model.words import Outcome  # noqa: PLC0415  (only where the auditor was asked for)

        terminalreporter.write_sep("-", "auditor")
        terminalreporter.write_line(", ".join(f"{tally[outcome]} {outcome}" for outcome in Outcome))


class Manifest(pytest.File):
    """One manifest: audited once, when the first of its checks is run."""

    def collect(self) -> Iterator[Check]:
        """An item for each check."""
        for name in self.config.stash[_ASKED].checks:
            check: Check = Check.from_parent(self, name=name)
            check.add_marker("auditor")
            yield check

    @cached_property
    def report(self) -> Report:
        """What ``auditor check`` says about this manifest."""
        from auditor.gate.worktree import Look, check  # noqa: PLC0415  (loaded when the first check is run)

        return check(Look(root=self.config.stash[_ASKED].root, manifests=(str(_real(self.path)),)))


class Check(pytest.Item):
    """One check of one manifest."""

    parent: Manifest

    def runtest(self) -> None:
        """Pass, or raise what the check came to."""
        from auditor.model.words import Outcome, Verdict  # noqa: PLC0415
        from auditor.render.reading import weight  # noqa: PLC0415

        report = self.parent.report
        results = {result.check: result for run in report.runs for result in run.results}
        result = results.get(self.name)
        if result is None:
            unread = any(other.outcome is Outcome.FAILED for other in results.values())
            (pytest.skip if unread else pytest.fail)(f"{self.name}: not asked, the manifest cannot be read")
        self.user_properties.append((_OUTCOME, str(result.outcome)))
        if weight(report, result) is not Verdict.OPEN:
            raise RedError("\n".join([f"{result.outcome} ({result.severity})", *_words(result)]))
        if result.outcome is not Outcome.PASSED:
            kind = "waived" if result.waived else result.outcome
            light = "" if result.waived or result.outcome is Outcome.NOT_APPLICABLE else f" ({result.severity})"
            pytest.skip(f"{self.name}: {kind}{light}: {_words(result)[0]}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings, without the way through our code that led to them."""
        from auditor.errors import AuditorError  # noqa: PLC0415

        match excinfo.value:
            case RedError():
                return str(excinfo.value)
            case AuditorError() as error:
                return f"{error}\n{error.hint or ''}".rstrip()
            case _:
                return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the item stands: the manifest."""
        return self.path, None, f"{self.parent.name}: {self.name}"


class RedError(Exception):
    """What a check found, or why it could not decide, where that counts."""


@pytest.fixture
def reproduces(request: pytest.FixtureRequest) -> Callable[..., Agreement]:
    """Execute a recorded run again and compare: ``reproduces("runs/a.run.yaml")``, as ``auditor reproduce`` does.

    The path is relative to pytest's root directory. ``tier`` (``smoke``, ``full``) and ``isolation`` (``bwrap``, ``none``)
    are the policy's where they are not given. The test fails, with the report, unless the run reproduces, and also where
    nothing could be executed. The answer is the agreement: ``assert reproduces(path) == "bitwise"``.
    """
    root = request.config.rootpath

    def execute(manifest: str | os.PathLike[str], *, tier: str | None = None, isolation: str | None = None) -> Agreement:
        __tracebackhide__ = True
        from auditor.errors import AuditorError  # noqa: PLC0415  (loaded when a test reproduces something)
        from auditor.gate.worktree import Look, Rehearsal, reproduce  # noqa: PLC0415
        from auditor.model.words import Agreement, Exit, Isolation, Outcome, Tier  # noqa: PLC0415
        from auditor.render.console import render  # noqa: PLC0415

        path = _real(root / manifest)
        rehearsal = Rehearsal(
            look=Look(root=path.parent if path.parent.is_dir() else root, manifests=(str(path),)),
            tiers=(Tier(tier),) if tier is not None else (),
            isolation=Isolation(isolation) if isolation is not None else None,
        )
        try:
            report = reproduce(rehearsal)
        except AuditorError as error:
            pytest.fail(f"{error}\n{error.hint or ''}".rstrip(), pytrace=False)
        shown = [each.agreement for run in report.runs for each in run.reproductions]
        agreement = max(shown, default=Agreement.NOT_EXERCISED)
        if report.exit is not Exit.OPEN or agreement.outcome is not Outcome.PASSED:
            pytest.fail(f"{manifest} does not reproduce: {agreement}\n\n{render(report)}", pytrace=False)
        return agreement

    return execute


def _questions(root: Path) -> Questions:
    from auditor.errors import AuditorError  # noqa: PLC0415  (loaded when asked for)
    from auditor.gate.worktree import Look, questions  # noqa: PLC0415

    try:
        return questions(Look(root=root))
    except AuditorError as error:
        raise pytest.UsageError(f"--auditor: {error}") from error


def _real(path: Path) -> Path:
    """``path`` with the links on the way resolved, as git names it, but not the file itself."""
    return path.parent.resolve() / path.name


def _words(result: Result) -> list[str]:
    """What a result says: each finding with its place and remedy, or the reason."""
    from auditor.render.reading import place, reason  # noqa: PLC0415
    from auditor.render.text import visible  # noqa: PLC0415

    lines = []
    for finding in result.findings:
        where = place(finding)
        lines.append(f"{visible(where)}: {visible(finding.message)}" if where else visible(finding.message))
        lines.append(f"  fix: {visible(finding.fix)}")
    if not result.findings or result.reason:
        lines.append(visible(reason(result)))
    return lines
