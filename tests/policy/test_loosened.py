"""Whatever asks for less is named, whatever asks for as much or more is not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from auditor.compare.tolerance import metric_tolerance
from auditor.errors import UsageError
from auditor.model.policy import (
    Environments,
    Executors,
    ForPair,
    Gate,
    Gates,
    MetricPair,
    Pair,
    Policy,
    Power,
    Tolerances,
    Trust,
    Waiver,
)
from auditor.model.words import EvidenceLevel, Isolation, Severity, Tier
from auditor.policy.loosened import loosened

CHECKLISTS = {
    "standard": {"data/leak": Severity.MAJOR, "security/pickle": Severity.MINOR, "schema/junk": Severity.BLOCKER},
    "strict": {"data/leak": Severity.MAJOR, "security/pickle": Severity.MAJOR, "schema/junk": Severity.BLOCKER},
    "short": {"data/leak": Severity.MAJOR},
}
BASE = Policy()


def checklist(name):
    try:
        return CHECKLISTS[name]
    except KeyError:
        raise UsageError(f"no checklist {name}") from None


def pointers(base, head):
    return [entry.pointer for entry in loosened(base, head, checklist=checklist)]


def policy(**changes):
    return msgspec.structs.replace(BASE, **changes)


def merge(base=BASE, **changes):
    gate = msgspec.structs.replace(base.gates.merge, **changes)
    return msgspec.structs.replace(base, gates=msgspec.structs.replace(base.gates, merge=gate))


def metrics(**table):
    return policy(tolerances=Tolerances(metrics={"*": Pair(absolute=1e-9, relative=1e-6), **table}))


def dtypes(**table):
    return policy(tolerances=Tolerances(dtypes=table))


def tensors(table):
    return policy(tolerances=Tolerances(tensors=table))


def waiver(**changes):
    known = Waiver(run="r", check="data/leak", reason="known", owner="ada", until="2026-06-01", rule="sha256:0")
    return policy(waivers=(msgspec.structs.replace(known, **changes),))


TIGHT, WIDE = Pair(absolute=1e-12), Pair(absolute=0.5, relative=0.5)
LESS = {  # name: (stricter, looser, pointer); the other way round is no finding
    "image allowed": (BASE, policy(images=("app@sha256:1",)), "/images"),
    "report only": (BASE, policy(mode="report-only"), "/mode"),
    "narrower manifests": (BASE, policy(manifests=("runs/**/*.run.yaml",)), "/manifests"),
    "narrower covers": (BASE, policy(covers=("src/**/*.py", "conf/**", "data/**")), "/covers"),
    "reference removed": (policy(references=("runs/a.run.yaml",)), BASE, "/references"),
    "own checks removed": (policy(checks=("audit/checks",)), BASE, "/checks"),
    "block-at raised": (BASE, merge(block_at=Severity.BLOCKER), "/gates/merge/block-at"),
    "tier removed": (BASE, merge(tiers=(Tier.DIGESTS, Tier.RECOMPUTE)), "/gates/merge/tiers"),
    "budget lowered": (BASE, merge(budget="9m"), "/gates/merge/budget"),
    "budget introduced": (merge(budget=None), BASE, "/gates/merge/budget"),
    "isolation added": (BASE, merge(isolation=(*Gate().isolation, Isolation.NONE)), "/gates/merge/isolation"),
    "requirement removed": (BASE, merge(require={}), "/gates/merge/require"),
    "evidence lowered": (BASE, merge(require={"metrics": (EvidenceLevel.DECLARED,)}), "/gates/merge/require/metrics"),
    "lower evidence accepted, too": (
        merge(require={"metrics": (EvidenceLevel.RECOMPUTED,)}),
        merge(require={"metrics": (EvidenceLevel.RECOMPUTED, EvidenceLevel.CONSISTENT)}),
        "/gates/merge/require/metrics",
    ),
    "nothing is open": (merge(on_nothing="undecided"), BASE, "/gates/merge/on-nothing"),
    "fewer approvals": (merge(approvals=2), merge(approvals=1), "/gates/merge/approvals"),
    "older verdicts": (merge(max_verdict_age="20d"), merge(max_verdict_age="500h"), "/gates/merge/max-verdict-age"),
    "verdicts of any age": (merge(max_verdict_age="20d"), BASE, "/gates/merge/max-verdict-age"),
    "shorter checklist": (BASE, merge(checklist="short"), "/gates/merge/checklist"),
    "lighter checklist": (merge(checklist="strict"), BASE, "/gates/merge/checklist"),
    "severity lowered": (BASE, policy(severities={"data/leak": Severity.MINOR}), "/severities/data~1leak"),
    "severity dropped": (policy(severities={"data/leak": Severity.BLOCKER}), BASE, "/severities/data~1leak"),
    "metric wider": (BASE, metrics(**{"*": WIDE}), "/tolerances/metrics/*"),
    "one metric wider": (BASE, metrics(accuracy=WIDE), "/tolerances/metrics/accuracy"),
    "tight metric forgotten": (metrics(accuracy=TIGHT), BASE, "/tolerances/metrics/*"),
    "a direction is welcome": (metrics(a=MetricPair()), metrics(a=MetricPair(better="higher")), "/tolerances/metrics/a"),
    "a wider band": (
        metrics(a=MetricPair(margin=0.1)),
        metrics(a=MetricPair(margin=0.2)),
        "/tolerances/metrics/a",
    ),
    "a band without margin": (metrics(a=MetricPair(margin=0.1)), metrics(a=MetricPair()), "/tolerances/metrics/a"),
    "a number format wider": (dtypes(float32=TIGHT), dtypes(float32=WIDE), "/tolerances/dtypes/float32"),
    "a number format that was exact": (dtypes(float32=Pair()), BASE, "/tolerances/dtypes"),
    "tensor wider": (tensors({"*": TIGHT}), tensors({"*": WIDE}), "/tolerances/tensors/*"),
    "auto instead of equality": (tensors({"*": Pair()}), tensors({"*": "auto"}), "/tolerances/tensors/*"),
    "ignore widened": (policy(tolerances=Tolerances(ignore=())), BASE, "/tolerances/ignore"),
    "another source of environments": (
        policy(environment=Environments(sources=("lock",))),
        BASE,
        "/environment/sources",
    ),
    "packages built": (BASE, policy(environment=Environments(build="allowed")), "/environment/build"),
    "unknown pair let through": (policy(executors=Executors(unknown_pair="inconclusive")), BASE, "/executors/unknown-pair"),
    "waiver added": (BASE, waiver(), "/waivers/0"),
    "waiver extended": (waiver(), waiver(until="2026-06-02"), "/waivers/0"),
    "owner added": (policy(trust=Trust(owners=("a",))), policy(trust=Trust(owners=("a", "b"))), "/trust/owners"),
    "judge added": (policy(trust=Trust(judges=("a",))), policy(trust=Trust(judges=("a", "b"))), "/trust/judges"),
}
UNORDERED = {  # either way round is a finding
    "tolerance exchanged": (
        metrics(a=Pair(absolute=1, relative=0)),
        metrics(a=Pair(absolute=0, relative=1)),
        "/tolerances/metrics/a",
    ),
    "bands": (BASE, policy(bands=("a.band.yaml",)), "/bands"),
    "tolerances between two machines": (
        BASE,
        policy(tolerances=Tolerances(pairs=(ForPair(executors=("a", "b")),))),
        "/tolerances/pairs",
    ),
    "auto and a pair": (BASE, tensors({"*": TIGHT}), "/tolerances/tensors/*"),
    "stores": (policy(stores={"bulk": "s3://one"}), policy(stores={"bulk": "s3://two"}), "/stores/bulk"),
    "ledger": (BASE, policy(ledger="sqlite:///x"), "/ledger"),
    "identities": (
        policy(trust=Trust(identities={"k": "a"})),
        policy(trust=Trust(identities={"k": "b"})),
        "/trust/identities/k",
    ),
    "sample": (merge(sample="risk"), merge(sample="random"), "/gates/merge/sample"),
    "checklist nobody knows": (BASE, merge(checklist="own"), "/gates/merge/checklist"),
    "severity of a check nobody knows": (BASE, policy(severities={"own/x": Severity.MAJOR}), "/severities/own~1x"),
    "first and last owner": (BASE, policy(trust=Trust(owners=("a",))), "/trust/owners"),
    "waiver for another rule": (waiver(), waiver(rule="sha256:1"), "/waivers/0"),
}


@pytest.mark.parametrize("name", LESS)
def test_what_asks_for_less_is_found_and_the_reverse_is_not(name):
    stricter, looser, pointer = LESS[name]
    assert pointers(stricter, looser) == [pointer]
    assert pointers(looser, stricter) == []


@pytest.mark.parametrize("name", UNORDERED)
def test_what_cannot_be_ordered_counts_as_loosened(name):
    one, other, pointer = UNORDERED[name]
    assert pointers(one, other) == [pointer]
    assert pointers(other, one) == [pointer]


EQUAL = {
    "a pattern that is covered already": (BASE, policy(covers=(*BASE.covers, "conf/*.yaml"))),
    "another order": (BASE, merge(tiers=tuple(reversed(BASE.gates.merge.tiers)))),
    "an override that says what holds anyway": (BASE, policy(severities={"data/leak": Severity.MAJOR})),
    "a checklist and overrides that add up to the same": (
        merge(
            checklist="strict", base=policy(gates=Gates(deploy=Gate(checklist="strict"), history=Gate(checklist="strict")))
        ),
        merge(
            base=policy(
                gates=Gates(deploy=Gate(checklist="standard"), history=Gate(checklist="standard")),
                severities={"security/pickle": Severity.MAJOR},
            ),
        ),
    ),
    "a metric that is named with the tolerance it had": (BASE, metrics(accuracy=Pair(absolute=1e-9, relative=1e-6))),
    "a higher level that would have done before": (
        BASE,
        merge(require={"metrics": (EvidenceLevel.CONSISTENT, EvidenceLevel.RECOMPUTED)}),
    ),
    "a duration in other words": (merge(max_verdict_age="1d"), merge(max_verdict_age="24h")),
}


@pytest.mark.parametrize("name", EQUAL)
def test_what_means_the_same_is_no_finding(name):
    one, other = EQUAL[name]
    assert pointers(one, other) == []
    assert pointers(other, one) == []


def test_a_message_names_both_values():
    (entry,) = loosened(BASE, merge(approvals=0, block_at=Severity.BLOCKER), checklist=checklist)
    assert "major" in entry.message
    assert "blocker" in entry.message


def test_a_shorter_checklist_names_what_is_no_longer_asked():
    (entry,) = loosened(BASE, merge(checklist="short"), checklist=checklist)
    assert "schema/junk, security/pickle" in entry.message


def test_a_severity_that_counts_at_three_gates_is_said_once():
    assert pointers(BASE, policy(severities={"data/leak": Severity.INFO})) == ["/severities/data~1leak"]


PAIRS = st.builds(Pair, absolute=st.sampled_from([0.0, 1e-6, 0.1]), relative=st.sampled_from([0.0, 1e-6, 0.1]))
NAMES = ["acc", "loss", "acc_top", "val_loss", "x"]
PATTERNS = st.sampled_from(["*", "acc", "acc*", "*loss", "*_*", "a??", "?", "[ax]", "val_*", "acc[_]*", "*o*"])
TABLES = st.dictionaries(PATTERNS, PAIRS, max_size=5)


@given(before=TABLES, after=TABLES)
@example(before={}, after={"?": Pair(relative=1e-6)})
def test_no_name_gets_a_wider_tolerance_unnoticed(before, after):
    found = pointers(policy(tolerances=Tolerances(metrics=before)), policy(tolerances=Tolerances(metrics=after)))
    for name in NAMES:
        old = metric_tolerance(Tolerances(metrics=before), name)
        new = metric_tolerance(Tolerances(metrics=after), name)
        if new.absolute > old.absolute or new.relative > old.relative:
            assert found, name


@given(before=TABLES, pattern=PATTERNS)
def test_a_tolerance_that_is_only_made_smaller_is_no_finding(before, pattern):
    if pattern not in before:
        return
    after = {**before, pattern: Pair(absolute=before[pattern].absolute / 2, relative=before[pattern].relative / 2)}
    assert pointers(policy(tolerances=Tolerances(metrics=before)), policy(tolerances=Tolerances(metrics=after))) == []


GATES = st.builds(
    Gate,
    checklist=st.sampled_from(["standard", "strict", "short", "own"]),
    block_at=st.sampled_from(Severity),
    tiers=st.sampled_from([(), (Tier.DIGESTS,), (Tier.SMOKE,)]),
    budget=st.sampled_from([None, "10m", "1h"]),
    isolation=st.sampled_from([(), (Isolation.BWRAP,), (Isolation.NONE,)]),
    require=st.dictionaries(
        st.sampled_from(["metrics", "weights"]), st.sampled_from(EvidenceLevel).map(lambda level: (level,)), max_size=2
    ),
    on_nothing=st.sampled_from(["open", "undecided"]),
    approvals=st.integers(0, 2),
    max_verdict_age=st.sampled_from([None, "10m", "1h"]),
    sample=st.sampled_from([None, "risk"]),
)
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(["enforce", "report-only"]),
    manifests=st.sampled_from([("a/**",), ("b/**",), ("a/**", "b/**")]),
    covers=st.sampled_from([("a/**",), ("b/**",), ("a/**", "b/**")]),
    references=st.sampled_from([(), ("a",), ("b",)]),
    stores=st.dictionaries(st.just("bulk"), st.sampled_from(["s3://one", "s3://two"])),
    checks=st.sampled_from([(), ("a",)]),
    gates=st.builds(Gates, merge=GATES, deploy=GATES, history=GATES),
    tolerances=st.builds(
        Tolerances,
        metrics=st.fixed_dictionaries({"*": PAIRS, "acc": PAIRS}),
        tensors=st.fixed_dictionaries({"*": PAIRS | st.just("auto")}),
        ignore=st.sampled_from([(), ("*_time",), ("*",)]),
    ),
    environment=st.builds(
        Environments,
        sources=st.lists(st.sampled_from(["lock", "image", "current"]), min_size=1, unique=True).map(tuple),
        build=st.sampled_from(["refused", "allowed"]),
        index=st.sampled_from([None, "https://x.example"]),
    ),
    executors=st.builds(Executors, unknown_pair=st.sampled_from(["default-table", "inconclusive"])),
    severities=st.dictionaries(st.just("own/x"), st.sampled_from(Severity)),
    waivers=st.sampled_from([(), waiver().waivers, waiver(until="2026-07-01").waivers]),
    ledger=st.sampled_from([None, "sqlite:///x"]),
    trust=st.builds(
        Trust, owners=st.sampled_from([(), ("a",), ("b",)]), identities=st.dictionaries(st.just("k"), st.just("a"))
    ),
)


@given(one=POLICIES)
def test_a_policy_is_no_looser_than_itself(one):
    assert pointers(one, one) == []


@given(one=POLICIES, other=POLICIES)
def test_of_two_different_policies_one_is_looser(one, other):
    if one != other:
        assert pointers(one, other) or pointers(other, one)


@given(base=POLICIES, change=POLICIES, field=st.sampled_from(Policy.__struct_fields__))
def test_a_single_changed_entry_is_noticed_in_one_direction_at_least(base, change, field):
    head = msgspec.structs.replace(base, **{field: getattr(change, field)})
    assert head == base or pointers(base, head) or pointers(head, base)


@given(one=POLICIES, other=POLICIES)
def test_every_pointer_stands_in_the_policy_or_its_parent_does(one, other):
    value = msgspec.to_builtins(other)
    for entry in loosened(one, other, checklist=checklist):
        parent = value
        for key in entry.pointer.split("/")[1:-1]:
            parent = parent[key.replace("~1", "/").replace("~0", "~")]
        assert entry.message


@pytest.mark.parametrize(
    ("one", "pointer"),
    [
        (Environments(sources=("current", "lock")), "/environment/sources"),
        (Environments(index="https://packages.example.org/simple"), "/environment/index"),
    ],
)
def test_environments_that_cannot_be_ordered_are_named_both_ways(one, pointer):
    assert pointers(BASE, policy(environment=one)) == [pointer]
    assert pointers(policy(environment=one), BASE) == [pointer]


def test_a_learning_rate_that_is_named_no_longer_asks_for_less():
    named = policy(power=Power(learning_rates=("alpha",)))
    assert pointers(named, BASE) == ["/power/learning-rates"]
    assert pointers(BASE, named) == []
