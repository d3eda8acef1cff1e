"""The history as a site of files: opens from disk and from any web server, asks for nothing outside its own folder.

Rows of the table lie in data files, which a page from disk may load as scripts only; every other text is in the pages
themselves, escaped. The content security policy allows the site's own files and nothing else.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from auditor.errors import EmptySelectionError, UsageError
from auditor.history.decay import Curve, Drift, causes, curves, drifts, lives
from auditor.history.forensics import across
from auditor.history.record import Executed, Judged, Record
from auditor.history.site import charts
from auditor.model.finding import Result
from auditor.model.words import Verdict
from auditor.render import reading
from auditor.render.text import visible

_HERE = Path(__file__).resolve().parent
_MARKER = "auditor-history-site"
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'none'"
ROWS = 2000
"""Rows of one data file."""

MOST_AUDITS = 60


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the first page says."""

    title: str
    subtitle: str
    runs: int
    grades: list[tuple[str, int]]
    states: list[tuple[str, int]]
    sentences: list[str]
    curves: list[Curve]
    trend: list[tuple[int, dict[str, int]]]
    causes: list[tuple[str, int]]
    forensics: list[str]


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """What the page of one run says."""

    name: str
    judged: Judged
    about: list[tuple[str, str]]
    failed: list[Result]
    undecided: list[Result]
    counted: str
    verdicts: list[Judged]
    executions: list[Executed]
    drifts: list[Drift]
    parents: list[tuple[str, str | None]]
    children: list[tuple[str, str]]


@dataclass(kw_only=True)
class _Family:
    """Who descends from whom, by the digests that runs are known by."""

    names: dict[str, str] = field(default_factory=dict)
    makers: dict[str, str] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def build(record: Record, output: Path, *, title: str = "History of runs") -> int:
    """Write the site into ``output``, in place of one that was written there before; how many runs it shows.

    Raises:
        EmptySelectionError: no audit has graded anything yet.
        UsageError: something else is there, or it cannot be written.
    """
    total = record.count()
    if not total:
        raise EmptySelectionError("no audit has graded a run yet", hint="auditor history audit .")
    try:
        _clear(output)
        family = _family(record)
        files = _pages(record, output, family)
        page = _environment().get_template("index.html.jinja")
        _write(
            output / "index.html", page.render(overview=_overview(record, title), data_files=files, charts=charts, csp=CSP)
        )
        for name in ("site.css", "site.js"):
            shutil.copyfile(_HERE / name, output / name)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    return total


def page_of(run: str) -> str:
    """The name of a run's page: enough of its digest."""
    return run.removeprefix("sha256:")[:20]


def _clear(output: Path) -> None:
    marker = output / f".{_MARKER}"
    if output.exists() and any(output.iterdir()) and not marker.exists():
        raise UsageError(f"{output} holds something else than a site of ours", hint="name an empty or a new folder")
    for name in ("runs", "data"):
        shutil.rmtree(output / name, ignore_errors=True)
        (output / name).mkdir(parents=True)
    marker.touch()


def _overview(record: Record, title: str) -> Overview:
    runs = list(record.all_latest())
    audits = record.audits()
    grades = Counter(run.today for run in runs)
    states = Counter(run.state for run in runs if run.state != "read")
    began, tool = audits[-1][1], audits[-1][4]
    found = lives(record)
    return Overview(
        title=title,
        subtitle=f"{len(audits)} audits, the last on {began} by auditor {tool}",
        runs=len(runs),
        grades=[(verdict, grades[verdict]) for verdict in Verdict],
        states=sorted(states.items()),
        sentences=[f"not read: {one.version.path}: {one.reason}" for one in record.unread(audits[-1][0])[:20]],
        curves=curves(found),
        trend=[(audit, record.grades(audit)) for audit, *_ in audits[-MOST_AUDITS:]],
        causes=causes(record, runs),
        forensics=[finding.message for finding in islice(across(runs), 50)],
    )


def _family(record: Record) -> _Family:
    family = _Family()
    for run in record.all_latest():
        family.names[run.digest] = run.id or run.manifest
        for weights in run.facts.weights:
            family.makers.setdefault(weights, run.digest)
        for parent in run.facts.parents:
            family.children[parent].append(run.digest)
    return family


def _pages(record: Record, output: Path, family: _Family) -> list[str]:
    """Write the page and the row of every run; the names of the data files."""
    template = _environment().get_template("run.html.jinja")
    executions: dict[str, list[Executed]] = defaultdict(list)
    for executed in record.executions():
        executions[executed.digest].append(executed)
    names: list[str] = []
    runs = record.all_latest()
    while chunk := list(islice(runs, ROWS)):
        rows = []
        for run in chunk:
            results = record.results(run.results)
            rows.append(_row(run, results))
            place = output / "runs" / page_of(run.digest)[:2] / f"{page_of(run.digest)}.html"
            place.parent.mkdir(exist_ok=True)
            shown = _run_page(record, run, results, executions[run.digest], family)
            _write(place, template.render(run=shown, charts=charts, csp=CSP))
        names.append(f"rows-{len(names):04}.js")
        _write(output / "data" / names[-1], f"auditorRows({_script(rows)});")
    return names


def _row(run: Judged, results: Sequence[Result]) -> list[object]:
    worst = next(iter([*reading.failed(results), *reading.undecided(results)]), None)
    return [
        visible(run.id or run.manifest),
        run.today.rank,
        run.then.rank,
        run.state,
        visible(run.facts.started or ""),
        visible(run.facts.framework or ""),
        worst.check if worst is not None else "",
        page_of(run.digest),
    ]


def _run_page(
    record: Record, run: Judged, results: tuple[Result, ...], executions: list[Executed], family: _Family
) -> RunPage:
    facts = run.facts
    about = [("Manifest", run.manifest), ("Digest", run.digest), ("State", run.state), ("Status", facts.status)]
    about += [("Started", facts.started), ("Finished", facts.finished), ("Framework", facts.framework)]
    about += [("Executor", facts.executor), ("Commit", facts.commit), ("Schema", facts.schema)]
    about += [("Found in", f"{version.path} ({version.store})") for version in record.places(run.digest)[:10]]
    children = [child for name in (run.digest, *facts.weights) for child in family.children.get(name, [])]
    return RunPage(
        name=run.id or run.manifest,
        judged=run,
        about=[(name, value) for name, value in about if value],
        failed=reading.failed(results),
        undecided=reading.undecided(results),
        counted=reading.counted(results, every=True),
        verdicts=list(record.verdicts(run.digest)),
        executions=executions,
        drifts=[drift for drift in drifts(executions) if len(drift.actual) > 1][:10],
        parents=[_parent(parent, family) for parent in facts.parents],
        children=[(family.names[child], _href(child)) for child in dict.fromkeys(children)][:100],
    )


def _parent(parent: str, family: _Family) -> tuple[str, str | None]:
    run = parent if parent in family.names else family.makers.get(parent)
    return (family.names[run], _href(run)) if run is not None else (f"{parent[:19]}... (not known here)", None)


def _href(run: str) -> str:
    name = page_of(run)
    return f"../{name[:2]}/{name}.html"


def _script(rows: Sequence[object]) -> str:
    """``rows`` as JSON that is a script, too: no character of it ends a script or a line."""
    return json.dumps(rows, separators=(",", ":")).replace("<", "\\u003c")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="backslashreplace")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else visible(str(value))
