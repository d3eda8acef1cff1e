"""Compares what a re-execution produced with what the record says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from auditor.compare import summary
from auditor.compare.algebra import is_rounding_of, printing_error
from auditor.compare.errors import Refused
from auditor.compare.flips import FlipBound, flip_bound_of
from auditor.compare.metrics import compare_metric, compare_metrics, ignored_metrics, read_metrics_file
from auditor.compare.recompute import Recomputed, load_sample, recompute
from auditor.compare.tolerance import is_ignored, metric_tolerance, prediction_tolerance
from auditor.errors import AuditorError, EmptySelectionError, UndecidableError
from auditor.model.comparison import Comparison
from auditor.model.policy import Tolerances
from auditor.model.run import Artifact, Metric
from auditor.model.words import Agreement, Outcome
from auditor.reproduce.contents import compare, figures_of, same_content, under_its_name
from auditor.reproduce.expected import Expected
from auditor.reproduce.request import Fetch
from auditor.reproduce.trial import Trial

_CLAIM_NOTHING = frozenset({"log", "plot", "trace", "other"})
_LAST_BITS = 1e-12  # relative, the tolerance for a metric recomputed from stored predictions
_UNREPEATABLE = (
    "not bitwise repeatable here: two executions differ from each other, too (hash seed, time zone and folder are varied)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All comparisons, and what they were made of.

    ``computed`` names the metrics that we computed ourselves; ``exact`` the outputs (``file:PATH``, ``metric:NAME``) that
    came out bit by bit as recorded. Not ``repeatable``: two executions differ where the record differs, too.
    """

    comparisons: tuple[Comparison, ...]
    computed: frozenset[str] = frozenset()
    exact: frozenset[str] = frozenset()
    repeatable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Compares one attempt with one record.

    ``same_executor``: bit-equality may be expected. ``repeat`` executes the same once more; it is called only when an output
    differs where none should.
    """

    expected: Expected
    tolerances: Tolerances
    fetch: Fetch
    same_executor: bool
    repeat: Callable[[], Trial]

    def judge(self, attempt: Trial) -> Judgement:
        """What ``attempt`` shows."""
        files = {
            path: self._file(path, artifact, attempt, same_executor=self.same_executor)
            for path, artifact in self.expected.artifacts.items()
            if artifact.role != "metrics"
        }
        figures, computed = self._metrics(attempt)
        comparisons = [*(c for found in files.values() for c in found), *figures]
        exact = frozenset(f"file:{path}" for path, found in files.items() if all(_is_bitwise(c) for c in found))
        exact |= {c.of for c in figures if _is_bitwise(c)}
        if not self.same_executor or all(_is_equal(c) for c in comparisons):
            return Judgement(comparisons=tuple(comparisons), computed=computed, exact=exact)
        try:
            again = self.repeat()
        except AuditorError as error:
            alone = [*(c for path, found in files.items() for c in self._unrepeated(path, found, attempt, error)), *figures]
            return Judgement(comparisons=tuple(alone), computed=computed, exact=exact)
        if not again.execution.succeeded:
            return Judgement(comparisons=tuple(comparisons), computed=computed, exact=exact)
        settled: list[Comparison] = []
        repeatable = True
        for path, found in files.items():
            if all(_is_equal(c) for c in found):
                settled += found
            elif self._same(path, attempt, again):
                settled += [_certain(c) for c in found]
            else:
                repeatable = False
                settled += [_with(c, _UNREPEATABLE) for c in self._elsewhere(path, attempt)]
        changing = self._changing_figures(attempt, again)
        settled += [_with(c, _UNREPEATABLE) if c.of in changing and not _is_equal(c) else c for c in figures]
        return Judgement(comparisons=tuple(settled), computed=computed, exact=exact, repeatable=repeatable and not changing)

    def _unrepeated(
        self, path: str, found: tuple[Comparison, ...], attempt: Trial, why: AuditorError
    ) -> Iterator[Comparison]:
        """What can be said of an output that differs when nobody knows whether two executions would agree."""
        if all(_is_equal(c) for c in found):
            yield from found
            return
        for c in self._elsewhere(path, attempt):
            doubtful = not _is_equal(c) and c.agreement.outcome is Outcome.PASSED
            words = f"it was not repeated: {why.message}"
            yield msgspec.structs.replace(_with(c, words), agreement=Agreement.INCONCLUSIVE) if doubtful else c

    def _elsewhere(self, path: str, attempt: Trial) -> tuple[Comparison, ...]:
        return self._file(path, self.expected.artifacts[path], attempt, same_executor=False)

    def _file(self, path: str, artifact: Artifact, attempt: Trial, *, same_executor: bool) -> tuple[Comparison, ...]:
        kind = "predictions" if artifact.role == "predictions" else "file"
        made = attempt.made(path)
        actual = attempt.digest(path)

        def answer(agreement: Agreement, note: str | None = None) -> tuple[Comparison, ...]:
            of = f"{kind}:{path}"
            return (Comparison(of=of, agreement=agreement, expected=artifact.digest, actual=actual, note=note),)

        if made.refused:
            return answer(Agreement.REFUSED, made.reason)
        if artifact.digest is not None and actual == artifact.digest:
            return answer(Agreement.BITWISE)
        drawable = artifact.role == "trace" and made.path is not None and made.path.is_file()
        recorded = self.fetch(artifact) if artifact.digest and (drawable or artifact.role not in _CLAIM_NOTHING) else None
        if artifact.role in _CLAIM_NOTHING and (recorded is None or not drawable):
            return answer(Agreement.NOT_EXERCISED, f"it differs, but a file of role {artifact.role} claims nothing")
        if made.path is None:
            return answer(Agreement.DIVERGED, f"the re-execution left no such output: {made.reason}")
        if recorded is None or made.path.is_dir():
            return answer(Agreement.INCONCLUSIVE, "the digests differ, and there are no recorded bytes to say by how much")
        named = under_its_name(recorded, path, attempt.room)
        return compare(named, made.path, artifact, path, self.tolerances, same_executor=same_executor)

    def _same(self, path: str, attempt: Trial, again: Trial) -> bool:
        """Whether two executions gave the same content, whatever dates the files may carry."""
        return same_content(path, self.expected.artifacts[path], attempt, again, self.tolerances)

    def _metrics(self, attempt: Trial) -> tuple[list[Comparison], frozenset[str]]:
        written, unread = figures_of(self.expected, attempt)
        expected = dict(self._recorded_figures()) if written else {}
        expected |= {name: value for name, value in self.expected.metrics.items() if value is not None}
        renamed = {name: _lookup(self.expected.claims.get(name), name, written) for name in expected}
        actual = {name: value for name, value in written.items() if name not in renamed.values()}
        actual |= {name: written[found] for name, found in renamed.items() if found is not None}
        found = {c.of: c for c in compare_metrics(expected, actual, self.tolerances)}
        computed = self._computed(attempt)
        if not self.expected.metrics_files:
            found = {of: _unwritten(c) if c.actual is None else c for of, c in found.items()}
        for name, own in computed.items():
            found[f"metric:{name}"] = self._settled(name, expected.get(name), own, attempt, found.get(f"metric:{name}"))
        for name, value in self.expected.contradicted.items():
            if not is_ignored(self.tolerances, name):
                other = compare_metric(name, value, actual.get(name), metric_tolerance(self.tolerances, name))
                noted = _noted(other, "recorded with the reproduction; the run itself claims another figure")
                found[other.of] = max(found.get(other.of, noted), noted, key=lambda c: c.agreement)
        listed = [*found.values(), *ignored_metrics(expected, actual, self.tolerances), *unread]
        return listed, frozenset(computed)

    def _settled(
        self, name: str, expected: float | None, own: Recomputed, attempt: Trial, written: Comparison | None
    ) -> Comparison:
        """A figure that we computed beside the one that the program wrote; decisions that noise may turn move both."""
        merged = _merged(written, self._against(name, expected, own))
        if merged.agreement is not Agreement.DIVERGED or own.kind != "accuracy":
            return merged
        bound = self._flip_bound(name, attempt)
        if bound is None:
            return merged
        again = None
        if written is not None and isinstance(written.actual, int | float):
            again = compare_metric(name, expected, written.actual, bound.tolerance, quantum=own.quantum)
        return _merged(again, self._against(name, expected, own, bound))

    def _flip_bound(self, name: str, attempt: Trial) -> FlipBound | None:
        """How far the accuracy ``name`` moves when the scores that it stems from move within their tolerance."""
        claim = self.expected.claims[name]
        assert claim.from_ is not None  # noqa: S101 - it was computed
        predictions = self._source(claim.from_.predictions, attempt)
        if predictions is None:
            return None
        parameters = claim.parameters
        sample = load_sample(predictions, self._source(claim.from_.labels, attempt), claim.from_.columns)
        tolerance = prediction_tolerance(self.tolerances, claim.from_.predictions or "", same_executor=self.same_executor)
        if not tolerance.absolute and not tolerance.relative:
            return None
        return flip_bound_of(sample, tolerance, threshold=parameters.threshold if parameters else None)

    def _recorded_figures(self) -> dict[str, float]:
        """The figures that the recorded metrics file held beside the claimed ones: they are nothing new."""
        figures: dict[str, float] = {}
        for path in self.expected.metrics_files:
            recorded = self.expected.artifacts.get(path)
            place = self.fetch(recorded) if recorded else None
            try:
                figures |= read_metrics_file(place) if place else {}
            except (Refused, EmptySelectionError, OSError):
                continue
        return figures

    def _computed(self, attempt: Trial) -> dict[str, Recomputed]:
        found = {}
        for name in self.expected.metrics:
            claim = self.expected.claims.get(name)
            if claim is None or claim.from_ is None or is_ignored(self.tolerances, name):
                continue
            predictions = self._source(claim.from_.predictions, attempt)
            labels = self._source(claim.from_.labels, attempt)
            if predictions is None or (claim.from_.labels and labels is None):
                continue
            try:
                found[name] = recompute(claim.kind or name, predictions, labels, claim.from_.columns, claim.parameters)
            except (UndecidableError, Refused, EmptySelectionError, OSError):
                continue  # the program's own figure remains, at its lower level of evidence
        return found

    def _source(self, named: str | None, attempt: Trial) -> Path | None:
        """The file behind a name or path: what the re-execution made of an artifact, or an input."""
        if named is None:
            return None
        for path, artifact in self.expected.known.items():
            if named in {artifact.name, artifact.path, path}:
                return attempt.made(path).path
        for source in attempt.inputs:
            if named in {source.name, source.path, source.mount}:
                return attempt.input(source)
        return None

    def _against(self, name: str, expected: float | None, own: Recomputed, bound: FlipBound | None = None) -> Comparison:
        tolerance = bound.tolerance if bound is not None else metric_tolerance(self.tolerances, name)
        cut = printing_error(expected, own.value)
        return compare_metric(name, expected, own.value, tolerance, quantum=own.quantum, printed=cut)

    def _changing_figures(self, attempt: Trial, again: Trial) -> frozenset[str]:
        first, second = figures_of(self.expected, attempt)[0], figures_of(self.expected, again)[0]
        return frozenset(
            f"metric:{name}"
            for name in {*first, *second}
            if first.get(name) != second.get(name) and not is_ignored(self.tolerances, name)
        )


def _is_equal(comparison: Comparison) -> bool:
    return _is_bitwise(comparison) or not summary.counts(comparison)


def _is_bitwise(comparison: Comparison) -> bool:
    return comparison.agreement is Agreement.BITWISE


def _certain(comparison: Comparison) -> Comparison:
    """Two executions agree bit by bit with each other and not with the record: not even unreadable bytes leave a doubt."""
    if comparison.agreement is not Agreement.INCONCLUSIVE:
        return comparison
    words = "two executions here agree bit by bit with each other and not with the record"
    return msgspec.structs.replace(_with(comparison, words), agreement=Agreement.DIVERGED)


def _with(comparison: Comparison, words: str) -> Comparison:
    return comparison if _is_equal(comparison) else _noted(comparison, words)


def _unwritten(comparison: Comparison) -> Comparison:
    note = "the command writes no file of figures, and it cannot be computed from predictions"
    return msgspec.structs.replace(comparison, agreement=Agreement.NOT_EXERCISED, excess=None, note=note)


def _merged(written: Comparison | None, own: Comparison) -> Comparison:
    """One comparison of the program's figure and ours: the worse one, which says that we computed it."""
    own = _noted(own, "computed by the auditor")
    if written is None or written.agreement is Agreement.NOT_EXERCISED:
        return own
    if own.agreement <= written.agreement or (written.agreement is Agreement.BITWISE and _rounded(own)):
        return _noted(written, "computed by the auditor, too")
    return own


def _rounded(own: Comparison) -> bool:
    """Exact arithmetic, a library's, and a figure as printed differ in what they round: no difference of two executions."""
    expected, actual = own.expected, own.actual
    if not isinstance(expected, int | float) or not isinstance(actual, int | float):
        return False
    return abs(expected - actual) <= _LAST_BITS * max(abs(expected), abs(actual)) or is_rounding_of(expected, actual)


def _noted(comparison: Comparison, words: str) -> Comparison:
    return msgspec.structs.replace(comparison, note="; ".join(filter(None, (comparison.note, words))))


def _lookup(claim: Metric | None, name: str, written: Iterable[str]) -> str | None:
    """The name under which the file of figures holds a claimed metric."""
    names = set(written)
    split = claim.split if claim is not None else None
    spellings = [name, *(f"{split}{joint}{name}" for joint in "._/" if split)]
    return next((spelling for spelling in spellings if spelling in names), None)
