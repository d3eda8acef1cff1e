"""Reports for renderers: a calm one, a blocked one, and any at all."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from auditor.model.comparison import Comparison, ReproductionResult, Tolerance
from auditor.model.finding import Finding, Result
from auditor.model.report import PolicyUsed, Report, RunReport
from auditor.model.words import Agreement, Exit, Outcome, Severity, Tier, Verdict

DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BASE = {"version": "0.1.0", "gate": "merge", "head": "a" * 40, "base": "b" * 40}


def result(outcome, check="schema/junk", severity=Severity.MAJOR, **more):
    return Result(check=check, outcome=outcome, severity=severity, **more)


def run(*results, manifest="runs/a.run.yaml", reproductions=(), run_id="a"):
    identity = "canonical" if run_id is not None else "bytes"
    return RunReport(
        manifest=manifest, digest=DIGEST, identity=identity, id=run_id, results=results, reproductions=tuple(reproductions)
    )


PASSED = result(Outcome.PASSED)
LEAK = result(
    Outcome.FAILED,
    "data/undigested-dataset",
    Severity.BLOCKER,
    findings=(
        Finding(
            message="the digest of 'train' is not that of data/train.csv",
            fix="record the run again",
            pointer="/data/0/digest",
            file="runs/a.run.yaml",
            line=12,
        ),
    ),
)
PICKLE = result(
    Outcome.FAILED,
    "security/unsafe-format",
    Severity.MAJOR,
    waived=True,
    findings=(Finding(message="out/model.pkl is a pickle", fix="write npz", file="runs/a.run.yaml", line=30),),
)
UNEXERCISED = result(Outcome.INCONCLUSIVE, "reproduction/unexercised-run", reason="there is no sandbox on this machine")
CRASHED = result(Outcome.CRASHED, "metrics/wrong-metric", reason="a fault in the check: ZeroDivisionError")
IDLE = result(Outcome.NOT_APPLICABLE, "lineage/lost-parent", reason="no parents are recorded")
SMOKE = ReproductionResult(
    name="smoke",
    tier=Tier.SMOKE,
    agreement=Agreement.WITHIN_TOLERANCE,
    isolation="bwrap",
    executor="x86-64-v3/openblas/haswell/2",
    seconds=1.25,
    comparisons=(
        Comparison(of="metric:accuracy", agreement=Agreement.BITWISE, expected=0.97, actual=0.97, excess=0.0),
        Comparison(
            of="tensor:out/model.npz#w",
            agreement=Agreement.WITHIN_TOLERANCE,
            tolerance=Tolerance(absolute=1e-6, relative=1e-4, source="default table"),
            excess=0.5,
        ),
        Comparison(of="metric:loss", agreement=Agreement.WITHIN_TOLERANCE, expected=0.1, actual=0.1000001, excess=0.875),
    ),
)
POLICY = PolicyUsed(role="base", digest=DIGEST, ref="origin/main", verdict=Verdict.OPEN)
CALM = Report(
    **BASE, verdict=Verdict.OPEN, policies=(POLICY,), runs=(run(PASSED, PASSED), run(PASSED, manifest="runs/b.run.yaml"))
)
BLOCKED = Report(
    **BASE,
    verdict=Verdict.BLOCKED,
    exit=Exit.BLOCKED,
    advisory=True,
    policies=(POLICY,),
    results=(result(Outcome.FAILED, "governance/loosened-policy", findings=(Finding(message="wider", fix="propose it"),)),),
    runs=(run(PASSED, LEAK, PICKLE, UNEXERCISED, IDLE, CRASHED, reproductions=[SMOKE]),),
    notes=("2 metrics were not compared: train_seconds",),
)

HOSTILE = st.text() | st.sampled_from(
    [
        "\x1b[2J\x1b[31mgone",
        "\x9b31m",
        "[bold red]open[/]",
        "[link=http://evil]x[/link]",
        "a\r\nopen: 40 passed",
        "::error::owned",
        "  ::stop-commands::x",
        "##[error]x",
        "\u202egnp.exe",
        "\udcff\udc80",
        ":smile:",
        "x" * 300,
        "\u2028::set-output name=a::b",
        "\0",
    ]
)
LINES = st.none() | st.integers(1, 10**6)
FINDINGS = st.builds(
    Finding, message=HOSTILE, fix=HOSTILE, pointer=st.sampled_from(["", "/data/0"]), file=st.none() | HOSTILE, line=LINES
)
RESULTS = st.builds(
    Result,
    check=st.sampled_from(["data/leak", "schema/junk"]),
    outcome=st.sampled_from(Outcome),
    severity=st.sampled_from(Severity),
    reason=st.none() | HOSTILE,
    findings=st.lists(FINDINGS, max_size=3).map(tuple),
    waived=st.booleans(),
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | HOSTILE | st.lists(st.floats() | HOSTILE, max_size=3)
LIMITS = st.none() | st.floats(0, allow_nan=False)
COMPARISONS = st.builds(
    Comparison,
    of=HOSTILE.filter(bool),
    agreement=st.sampled_from(Agreement),
    expected=VALUES,
    actual=VALUES,
    tolerance=st.none() | st.builds(Tolerance, absolute=st.floats(0, allow_nan=False)),
    excess=LIMITS | st.just(float("nan")),
    detectable=LIMITS,
    note=st.none() | HOSTILE,
)
REPRODUCTIONS = st.builds(
    ReproductionResult,
    name=HOSTILE.filter(bool),
    tier=st.sampled_from(Tier),
    agreement=st.sampled_from(Agreement),
    isolation=st.sampled_from(["bwrap", "none"]),
    executor=HOSTILE,
    seconds=st.floats(0, 1e6),
    comparisons=st.lists(COMPARISONS, max_size=3).map(tuple),
    note=st.none() | HOSTILE,
)
RUNS = st.builds(
    run,
    RESULTS,
    RESULTS,
    manifest=HOSTILE.filter(bool),
    run_id=st.none() | HOSTILE,
    reproductions=st.lists(REPRODUCTIONS, max_size=2),
)
REPORTS = st.builds(
    Report,
    version=st.just("0.1.0"),
    gate=st.just("merge"),
    verdict=st.sampled_from(Verdict),
    exit=st.sampled_from(Exit),
    advisory=st.booleans(),
    head=st.sampled_from([None, "a" * 40]),
    policies=st.sampled_from([(), (POLICY,)]),
    results=st.lists(RESULTS, max_size=2).map(tuple),
    runs=st.lists(RUNS, max_size=2).map(tuple),
    notes=st.lists(HOSTILE, max_size=2).map(tuple),
)


def _layer(number, part, excess):
    agreement = Agreement.BITWISE if excess == 0 else Agreement.WITHIN_TOLERANCE
    if excess is None or excess > 1:
        agreement = Agreement.DIVERGED
    return Comparison(
        of=f"tensor:out/model.safetensors#block.{number}.{part}",
        agreement=agreement,
        tolerance=Tolerance(absolute=1e-6, relative=1e-4, source="auto: float32"),
        excess=excess,
        detectable=1.3e-6,
    )


def _metric(name, claimed, actual, absolute, agreement):
    excess = abs(claimed - actual) / absolute
    return Comparison(
        of=f"metric:{name}",
        agreement=agreement,
        expected=claimed,
        actual=actual,
        tolerance=Tolerance(absolute=absolute, source="policy"),
        excess=excess,
        detectable=absolute,
    )


# Equal in the first layers, then drifting by a decade and a half per layer: how a changed kernel looks.
_DRIFT = [0.0] * 9 + [10 ** (0.45 * step - 7) for step in range(19)]
DIVERGED = ReproductionResult(
    name="smoke",
    tier=Tier.SMOKE,
    agreement=Agreement.DIVERGED,
    isolation="bwrap",
    executor="x86-64-v4 · openblas skylakex · 2 threads",
    seconds=18.4,
    comparisons=(
        _metric("accuracy", 0.9733333333333334, 0.9733333333333334, 0.002, Agreement.BITWISE),
        _metric("f1_macro", 0.9719, 0.9702, 0.002, Agreement.WITHIN_TOLERANCE),
        _metric("loss", 0.0831, 0.1172, 0.005, Agreement.DIVERGED),
        *(_layer(number // 2, ("weight", "bias")[number % 2], excess) for number, excess in enumerate(_DRIFT)),
    ),
    note="the output layers drift apart after the fourth block",
)
FULL = Report(
    **BASE,
    verdict=Verdict.BLOCKED,
    exit=Exit.BLOCKED,
    policies=(POLICY, PolicyUsed(role="head", digest=DIGEST, ref="a" * 40, verdict=Verdict.BLOCKED)),
    results=BLOCKED.results,
    runs=(
        run(
            *(result(Outcome.PASSED, f"data/passed-{number}") for number in range(31)),
            LEAK,
            result(
                Outcome.FAILED,
                "reproduction/diverged-reproduction",
                Severity.BLOCKER,
                findings=(
                    Finding(
                        message="smoke: 4 of 31 comparisons diverged, worst tensor out/model.safetensors#block.13.bias",
                        fix="run `auditor reproduce` here, and look for what is not seeded or not recorded",
                        pointer="/reproductions/0",
                        file="runs/20260301-120000-train.run.yaml",
                        line=88,
                    ),
                ),
            ),
            PICKLE,
            result(
                Outcome.FAILED,
                "environment/unlocked-environment",
                Severity.MINOR,
                findings=(Finding(message="the run names no lock file", fix="record with --lock uv.lock"),),
            ),
            UNEXERCISED,
            IDLE,
            manifest="runs/20260301-120000-train.run.yaml",
            run_id="20260301-120000-train",
            reproductions=[DIVERGED],
        ),
        run(
            *(result(Outcome.PASSED, f"data/passed-{number}") for number in range(34)),
            IDLE,
            manifest="runs/20260228-090000-baseline.run.yaml",
            run_id="20260228-090000-baseline",
            reproductions=[msgspec.structs.replace(SMOKE, agreement=Agreement.BITWISE)],
        ),
    ),
    notes=("2 metrics were not compared: train_seconds, peak_memory",),
)
"""A report with everything that a page can show."""
