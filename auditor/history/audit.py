"""Audits the past: lists every store, grades what is new or may have changed, and writes down what it found."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from auditor import __version__, digest
from auditor.errors import EmptySelectionError, PolicyError, UsageError
from auditor.gate.audit import Progress, silent
from auditor.gate.refs import default_branch
from auditor.gate.subject import from_bytes
from auditor.git import Repository
from auditor.history.examine import Examination, Graded, Unread, day
from auditor.history.found import RunStore, UnreadError, Version
from auditor.history.index import Index
from auditor.history.record import Judged, Record
from auditor.history.stores import opened
from auditor.history.stores.git import heads
from auditor.history.workers import Executor, Furnish, Local
from auditor.model.finding import Result
from auditor.model.words import Outcome, Verdict
from auditor.policy.load import LoadedPolicy, duration, load, read_at
from auditor.resources import folder
from auditor.store.hashing import usable_cores

BATCH = 20
"""Versions that are given to a worker at a time."""

MOST_LISTED = 1000
"""Names of what was left out; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be audited.

    ``deadline`` is in seconds of :func:`time.monotonic`; ``sample`` how runs are chosen that are executed again, None for
    none; ``shard`` is (number, of how many).
    """

    start: Path
    named: tuple[str, ...] = (".",)
    paranoid: bool = False
    deadline: float | None = None
    sample: str | None = None
    shard: tuple[int, int] | None = None
    processes: int | None = None
    cluster: str | None = None
    progress: Progress = silent


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an audit takes place: a repository or a folder, and where its record lies."""

    root: Path
    repository: Repository | None
    heads: tuple[str, ...]
    policy: LoadedPolicy
    folder: Path

    @property
    def head(self) -> str | None:
        """The commit that history is seen from."""
        return self.heads[0] if self.heads else None


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A run that was good and is not any more, and why; ``recovered`` the other way round."""

    run: Judged
    causes: tuple[str, ...]
    recovered: bool = False


@dataclass(kw_only=True)
class Done:
    """What one audit came to. ``grades`` counts all known runs by today's verdict, ``left`` what was not reached."""

    audit: int
    place: Place
    found: int = 0
    graded: int = 0
    reused: int = 0
    left: int = 0
    left_names: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    grades: dict[str, int] = field(default_factory=dict)
    earlier: dict[str, int] = field(default_factory=dict)
    regressions: list[Regression] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    complete: bool = True


def asked(  # noqa: PLR0913  (one for each option)
    start: Path,
    named: Sequence[str],
    *,
    budget: str | None = None,
    sample: str | None = None,
    shard: str | None = None,
    paranoid: bool = False,
    executor: str = "local",
    scheduler: str | None = None,
    progress: Progress = silent,
) -> Asked:
    """What is to be audited, as options say it.

    Raises:
        UsageError: one of them has no meaning.
    """
    try:
        deadline = time.monotonic() + duration(budget) if budget is not None else None
    except PolicyError as error:
        raise UsageError(error.message, hint=error.hint) from None
    if (executor == "dask") != (scheduler is not None):
        raise UsageError("--executor dask and --scheduler URL go together", hint="name both, or neither")
    return Asked(
        start=start,
        named=tuple(named) or (".",),
        paranoid=paranoid,
        deadline=deadline,
        sample=sample,
        shard=_shard(shard) if shard is not None else None,
        cluster=scheduler,
        progress=progress,
    )


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise UsageError(f"--shard {text!r} is not K/N", hint="write 3/16 for the third of sixteen parts")
    return int(match[1]), int(match[2])


def place_of(start: Path, folder_of: Path | None = None) -> Place:
    """Where an audit that begins in ``start`` takes place: its policy is the default branch's, as a gate's is.

    Raises:
        PolicyError: the policy there is invalid.
    """
    try:
        repository = Repository.discover(start)
    except UsageError:
        kept = folder_of or start / ".auditor"
        return Place(root=start, repository=None, heads=(), policy=load(None, source="auditor.yaml"), folder=kept)
    seen = heads(repository)
    ref = repository.commit(default_branch(repository) or "HEAD")
    policy = read_at(repository, ref) if ref is not None else load(None, source="auditor.yaml")
    kept = folder_of or repository.common_dir / "auditor"
    return Place(root=repository.root, repository=repository, heads=seen, policy=policy, folder=kept)


def audit(asked: Asked) -> Done:
    """Grade every run in the stores that are asked about.

    1. List each store, or what is new in it, and leave out what was graded already and stands on nothing that changed.
    2. Have the rest graded, in batches, by processes or a cluster; write down each batch as it comes.
    3. Grade as lost what stores named before and no longer do.

    Raises:
        UsageError, PolicyError, EmptySelectionError, UndecidableError: nothing could be audited; each says why.
    """
    place = place_of(asked.start if asked.named == (".",) else _start(asked))
    try:
        stores = [store for named in asked.named for store in opened(_absolute(asked.start, named), _patterns(place))]
        return _Audit(asked, place, stores).run()
    finally:
        if place.repository is not None:
            place.repository.close()


def examination(place: Place, stores: Sequence[RunStore], *, paranoid: bool) -> Examination:
    """What workers need to grade runs of ``stores``."""
    return Examination(
        root=place.root,
        is_repository=place.repository is not None,
        heads=place.heads,
        policy=place.policy.policy,
        policy_digest=place.policy.digest,
        stores=tuple(stores),
        keep=None if paranoid else place.folder,
    )


def _start(asked: Asked) -> Path:
    """The folder whose repository and policy count: the first that is named, else where the command was called."""
    local = [asked.start / named for named in asked.named if "://" not in named]
    return next((path for path in local if path.is_dir()), asked.start)


def _absolute(start: Path, named: str) -> str:
    return named if "://" in named else str(start / named)


def _patterns(place: Place) -> tuple[str, ...]:
    return place.policy.policy.manifests


def batched(versions: Iterable[Version], size: int) -> Iterator[tuple[Version, ...]]:
    """``versions`` in tuples of at most ``size``."""
    rest = iter(versions)
    while batch := tuple(islice(rest, size)):
        yield batch


class _Audit:
    def __init__(self, asked: Asked, place: Place, stores: list[RunStore]) -> None:
        self._asked = asked
        self._place = place
        self._stores = stores
        self._queued: set[str] = set()

    def run(self) -> Done:
        """See :func:`audit`."""
        place = self._place
        with Record(place.folder) as self._record, Index(place.folder) as self._index:
            about = json.dumps({"stores": [store.name for store in self._stores], "paranoid": self._asked.paranoid})
            number = self._record.begin(head=place.head, policy=place.policy.digest, tool=__version__, asked=about)
            self._done = Done(audit=number, place=place)
            self._forget_stale()
            executor = self._executor()
            try:
                for store in self._stores:
                    self._audit(store, executor)
            finally:
                executor.close()
                for store in self._stores:
                    store.close()
            self._conclude(number)
            return self._done

    def _executor(self) -> Executor:
        furnish: Furnish = examination(self._place, self._stores, paranoid=self._asked.paranoid)
        if self._asked.cluster is not None:
            from auditor.history.cluster import Cluster  # noqa: PLC0415  (optional, and slow to import)

            return Cluster(furnish, self._asked.cluster)
        return Local(furnish, self._asked.processes or usable_cores())

    def _forget_stale(self) -> None:
        """Keep only grades that the same rules gave, and that nothing which changed since could make others."""
        index, place = self._index, self._place
        self._pass = index.begin()
        self._key = key_of(place.policy)
        before, kept = (index.value("heads") or "").split(), set((index.value("kept") or "").split())
        keeps = _kept(place)
        forward = all(_is_behind(place, commit) for commit in before) and kept <= keeps
        if self._asked.paranoid or not forward:
            index.forget_others("")
        index.forget_others(self._key)
        if before != list(place.heads) or kept != keeps:
            index.forget_unsettled()
        index.keep("heads", " ".join(place.heads))
        index.keep("kept", " ".join(sorted(keeps)))
        index.forget(index.moved(place.root))

    def _audit(self, store: RunStore, executor: Executor) -> None:
        """List one store, have graded what needs it, and remember how far that went."""
        state = self._index.state_of(store.name)
        listing = store.since(state)
        left = self._done.left
        self._asked.progress(f"listing {store.name}")
        first = store is self._stores[0]
        wanted = self._wanted(store, None if listing.complete else state, first=first)
        self._collect(executor, batched(wanted, BATCH))
        if self._done.left == left and self._asked.shard is None:
            self._index.listed(store.name, listing.state, complete=listing.complete, number=self._pass)
        if not listing.complete:
            self._collect(executor, batched(self._in_time(self._index.waiting(self._pass)), BATCH))

    def _collect(self, executor: Executor, batches: Iterable[tuple[Version, ...]]) -> None:
        for answers in executor.answers(batches):
            written = self._record.append(self._done.audit, answers)
            self._index.learn([graded for _, graded in written], self._key, self._pass)
            for former, graded in written:
                self._done.graded += 1
                self._compare(former, graded)
            self._done.unread += [answer for answer in answers if isinstance(answer, Unread)]

    def _wanted(self, store: RunStore, state: str | None, *, first: bool) -> Iterator[Version]:
        """The versions of ``store`` that have no grade that holds."""
        for version in self._in_time(store.versions(state)):
            run = self._index.known(version, self._pass)
            if run is None and not first:
                run = self._identified(store, version)
            if run is None:
                yield version
            elif run in self._queued or self._index.is_graded(run):
                self._done.reused += 1
            else:
                self._queued.add(run)
                yield version

    def _in_time(self, versions: Iterable[Version]) -> Iterator[Version]:
        for version in versions:
            if self._asked.shard is not None and not _is_of(version, *self._asked.shard):
                continue
            if self._asked.deadline is not None and time.monotonic() > self._asked.deadline:
                self._done.left += 1
                if len(self._done.left_names) < MOST_LISTED:
                    self._done.left_names.append(f"{version.store}: {version.path}")
                continue
            yield version

    def _identified(self, store: RunStore, version: Version) -> str | None:
        """The run of a version in a further store, which is often one that another store had already."""
        try:
            run = from_bytes(version.path, store.read(version)).digest
        except UnreadError:
            return None
        if self._index.is_graded(run):
            self._index.identify(version, run, self._pass)
            self._record.place(run, version)
        return run

    def _compare(self, former: Judged | None, graded: Graded) -> None:
        lost = graded.state == "lost"
        if former is None or (former.today == graded.today and not lost):
            return
        now = self._record.latest(graded.report.digest)
        assert now is not None  # noqa: S101  (it was just written)
        if lost or former.today is Verdict.OPEN:
            causes = causes_of(self._record.results(former.results), graded.report.results)
            self._done.regressions.append(Regression(run=now, causes=causes))
        elif graded.today is Verdict.OPEN:
            self._done.regressions.append(Regression(run=now, causes=(), recovered=True))

    def _conclude(self, number: int) -> None:
        done, record, index = self._done, self._record, self._index
        if done.left == 0 and self._asked.shard is None:
            self._grade_lost()
        done.found = index.count(self._pass)
        done.complete = done.left == 0
        done.grades = record.grades()
        if not done.found and not record.count() and not done.unread and not done.left:
            names = ", ".join(store.name for store in self._stores)
            raise EmptySelectionError(
                f"no manifest matches {', '.join(_patterns(self._place))} in {names}",
                hint="record a run first: auditor record ... -- COMMAND",
            )
        record.end(number, found=done.found, graded=done.graded, left=done.left)

    def _grade_lost(self) -> None:
        from auditor.history.lost import grade_lost  # noqa: PLC0415  (only where something is lost)

        runs = self._index.dropped(self._pass)
        if self._index.value("whole") is None:
            # The index is new: what it does not know may be lost, or in a store that was not asked this time.
            names = {store.name for store in self._stores}
            runs += [
                judged.digest
                for judged in self._record.all_latest()
                if judged.state != "lost"
                and not self._index.is_present(judged.digest)
                and {version.store for version in self._record.places(judged.digest)} <= names
            ]
            self._index.keep("whole", "yes")
        for former, graded in grade_lost(self._record, self._done.audit, runs, self._place.policy):
            self._compare(former, graded)


def causes_of(before: Sequence[Result], after: Sequence[Result]) -> tuple[str, ...]:
    """Which checks let a run through before and do not any more, each with the first thing that it found."""
    fine = {result.check for result in before if result.outcome in {Outcome.PASSED, Outcome.NOT_APPLICABLE}}
    worse = [r for r in after if r.outcome not in {Outcome.PASSED, Outcome.NOT_APPLICABLE}]
    heavy = sorted(worse, key=lambda r: (r.check not in fine, -r.severity.rank, r.check))
    return tuple(f"{r.check}: {r.findings[0].message if r.findings else r.reason}" for r in heavy)[:10]


def key_of(policy: LoadedPolicy) -> str:
    """What all grades of one audit have in common: a grade given under another key is not used again."""
    checks = folder("checks")
    content = [[path.name, digest.of_bytes(path.read_bytes())] for path in sorted(checks.rglob("*.py"))]
    content += [[path.name, digest.of_bytes(path.read_bytes())] for path in sorted(checks.glob("*.yaml"))]
    dated = day() if policy.policy.waivers else None
    return digest.of_value({"tool": __version__, "policy": policy.digest, "checks": content, "day": dated})


def _is_behind(place: Place, commit: str) -> bool:
    if place.repository is None:
        return False
    return commit in place.heads or any(place.repository.is_ancestor(commit, head) for head in place.heads)


def _kept(place: Place) -> set[str]:
    """The commits that keep references protect."""
    if place.repository is None:
        return set()
    return set(place.repository.run("for-each-ref", "--format=%(objectname)", "refs/auditor/keep").decode().split())


def _is_of(version: Version, number: int, shards: int) -> bool:
    """Whether a version belongs to shard ``number`` (from 1): told by its content's mark, so every machine says the same."""
    return int(digest.of_value([version.store, version.path])[-8:], 16) % shards == number - 1
