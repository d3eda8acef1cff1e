"""A policy is read from bytes or from a commit, gets the defaults of its own gate, and explains what is wrong with it."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from auditor import digest
from auditor.errors import PolicyError
from auditor.git import GitError, Repository
from auditor.model.policy import MetricPair, Policy
from auditor.model.words import EvidenceLevel, Exit, Severity, Tier
from auditor.policy.load import BUILT_IN, TEMPLATE, InvalidPolicyError, duration, load, read_at

SCHEMA = "schema: auditor/policy/v1\n"


def loaded(text, source="auditor.yaml"):
    return load(text.encode(), source=source)


def refused(text):
    with pytest.raises(InvalidPolicyError) as caught:
        loaded(text)
    assert caught.value.exit is Exit.USAGE
    return caught.value


def test_without_a_policy_the_built_in_one_judges():
    built_in = load(None, source="auditor.yaml")
    assert built_in.policy == Policy()
    assert built_in.source == BUILT_IN
    assert built_in.document is None
    assert built_in.line("/mode") is None
    # The same digest as of the file that `auditor init` writes: they are the same rules.
    assert built_in.digest == load(TEMPLATE.read_bytes(), source="auditor.yaml").digest


def test_the_least_policy_means_the_built_in_one():
    assert loaded(SCHEMA).policy == Policy()


def test_a_gate_given_in_part_keeps_the_rest_of_its_own_defaults():
    gates = loaded(
        SCHEMA + "gates: {merge: {block-at: minor}, deploy: {approvals: 2}, history: {budget: 1h}}\n"
    ).policy.gates
    assert gates.merge == msgspec.structs.replace(Policy().gates.merge, block_at=Severity.MINOR)
    assert gates.merge.tiers == (Tier.DIGESTS, Tier.RECOMPUTE, Tier.SMOKE)
    assert gates.deploy == msgspec.structs.replace(Policy().gates.deploy, approvals=2)
    assert gates.deploy.max_verdict_age == "30d"
    assert gates.history == msgspec.structs.replace(Policy().gates.history, budget="1h")
    assert gates.history.sample == "risk"


def test_a_gate_left_out_keeps_its_defaults():
    assert loaded(SCHEMA + "gates: {merge: {}}\n").policy.gates == Policy().gates


def test_what_is_required_is_replaced_as_a_whole():
    require = loaded(SCHEMA + "gates: {deploy: {require: {weights: [recomputed]}}}\n").policy.gates.deploy.require
    assert require == {"weights": (EvidenceLevel.RECOMPUTED,)}


def test_a_tolerance_for_one_metric_leaves_all_others_as_they_were():
    tolerances = loaded(SCHEMA + "tolerances: {metrics: {loss: {absolute: 0.01}}}\n").policy.tolerances
    assert tolerances.metrics == {"*": MetricPair(absolute=1e-9, relative=1e-6), "loss": MetricPair(absolute=0.01)}
    assert tolerances.tensors == {"*": "auto"}
    assert tolerances.ignore == Policy().tolerances.ignore


def test_a_default_tolerance_can_be_replaced():
    tolerances = loaded(SCHEMA + 'tolerances: {metrics: {"*": {absolute: 0.5}}, ignore: []}\n').policy.tolerances
    assert tolerances.metrics == {"*": MetricPair(absolute=0.5)}
    assert tolerances.ignore == ()


def test_comments_layout_and_key_order_leave_the_digest_alone():
    one = loaded(SCHEMA + "mode: enforce\ncovers: [a, b]\n")
    other = loaded('# told differently\ncovers:\n  - "a"\n  - b  # second\nmode: enforce\n' + SCHEMA)
    assert one.digest == other.digest
    assert one.digest != loaded(SCHEMA + "mode: enforce\ncovers: [b, a]\n").digest


def test_the_digest_covers_what_was_written_and_not_the_defaults():
    assert loaded(SCHEMA).digest == digest.of_value({"schema": "auditor/policy/v1"})


def test_a_json_policy_means_the_same_as_a_yaml_one():
    assert loaded('{"schema": "auditor/policy/v1", "mode": "report-only"}', "auditor.json").digest == (
        loaded(SCHEMA + "mode: report-only\n").digest
    )


def test_the_line_of_an_entry_is_known():
    policy = loaded(SCHEMA + "gates:\n  merge:\n    block-at: minor\n")
    assert policy.line("/gates/merge/block-at") == 4
    assert policy.line("/gates/merge/approvals") == policy.line("/gates/merge")
    assert policy.line("/mode") == 1


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        (SCHEMA + "no-such-key: 1\n", "auditor.yaml:2:", "no-such-key"),
        (SCHEMA + "gates:\n  merge:\n    blok-at: major\n", "auditor.yaml:4:", "blok-at"),
        (SCHEMA + "mode: enforced\n", "auditor.yaml:2:7:", "enforced"),
        (SCHEMA + "gates: {merge: {budget: soon}}\n", "auditor.yaml:2:", "soon"),
        ("schema: auditor/policy/v9\n", "auditor.yaml:1:", "v9"),
        ("schema: [auditor/policy/v1\n", "auditor.yaml:", ""),
        (SCHEMA + "mode: enforce\nmode: report-only\n", "auditor.yaml:3:", "mode"),
        ("- schema\n", "auditor.yaml:", ""),
        ("", "auditor.yaml:", "empty"),
        ("\x00\x01", "auditor.yaml", ""),
    ],
)
def test_a_violation_is_named_with_its_place(text, place, word):
    error = refused(text)
    assert error.message.startswith(place)
    assert word in error.message
    assert error.hint
    assert all(finding.file == "auditor.yaml" and finding.message and finding.fix for finding in error.findings)


def test_every_violation_is_named():
    error = refused(SCHEMA + "mode: enforced\ngates: {merge: {block-at: mayor}}\n")
    lines = error.message.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["auditor.yaml:2:7", "auditor.yaml:3:27"]
    assert [finding.pointer for finding in error.findings] == ["/mode", "/gates/merge/block-at"]
    assert [finding.line for finding in error.findings] == [2, 3]


def test_a_day_that_no_calendar_has_is_refused():
    waiver = "{run: r, check: data/leak, reason: known, owner: ada, until: '2026-02-30'}"
    error = refused(SCHEMA + f"waivers:\n  - {waiver}\n")
    assert "auditor.yaml:3:" in error.message
    assert "2026-02-30" in error.message
    assert error.findings[0].pointer == "/waivers/0/until"


def test_a_number_without_a_canonical_form_is_refused():
    assert "auditor.yaml" in refused(SCHEMA + f"gates: {{deploy: {{approvals: {2**60}}}}}\n").message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["major", "10m", "a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["merge", "*", "x"]), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*msgspec.to_builtins(Policy()), "x"]), VALUES, max_size=3))
def test_whatever_is_written_there_it_is_a_policy_or_refused_as_one(value):
    try:
        policy = loaded(yaml.safe_dump({"schema": "auditor/policy/v1", **value})).policy
    except InvalidPolicyError as error:
        assert error.findings  # noqa: PT017  (both ways out are fine, a third is not)
    else:
        assert isinstance(policy, Policy)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("10m", 600), ("2h", 7200), ("30d", 2592000), ("999999999s", 999999999)]
)
def test_durations(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1m", "10 m", "10M", "10m\n", "1h30m", "٣m", "1000000000s"])
def test_what_is_no_duration(text):
    with pytest.raises(PolicyError, match="no duration"):
        duration(text)


@pytest.fixture
def committed(repository):
    """Write, commit, and read the policy at the commit."""

    def read(write):
        repository.write("README.md", "x\n")
        write(repository.root)
        repository.commit("Write")
        with Repository(repository.root) as opened:
            return read_at(opened, opened.commit("HEAD"))

    return read


def test_the_policy_of_a_commit(committed):
    policy = committed(lambda root: (root / "auditor.yaml").write_text(SCHEMA + "mode: report-only\n"))
    assert policy.policy.mode == "report-only"
    assert policy.source == "auditor.yaml"


def test_a_commit_without_a_policy_has_the_built_in_one(committed):
    assert committed(lambda _root: None).source == BUILT_IN


def test_the_working_tree_is_not_read(repository):
    repository.write("auditor.yaml", SCHEMA)
    repository.commit("Write")
    repository.write("auditor.yaml", SCHEMA + "mode: report-only\n")
    with Repository(repository.root) as opened:
        assert read_at(opened, opened.commit("HEAD")).policy.mode == "enforce"


def test_a_link_is_refused_whatever_it_points_to(committed):
    def write(root):
        (root / "other.yaml").write_text(SCHEMA)
        (root / "auditor.yaml").symlink_to("other.yaml")

    with pytest.raises(PolicyError, match="symbolic link"):
        committed(write)


def test_a_directory_is_refused(committed):
    def write(root):
        (root / "auditor.yaml").mkdir()
        (root / "auditor.yaml" / "x").write_text("x")

    with pytest.raises(PolicyError, match="directory"):
        committed(write)


def test_a_submodule_is_refused_and_not_taken_for_no_policy(repository):
    repository.write("README.md", "x\n")
    repository.commit("Write")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},auditor.yaml")
    repository.git("commit", "--quiet", "--message", "Add a submodule")
    with Repository(repository.root) as opened, pytest.raises(PolicyError, match="submodule"):
        read_at(opened, opened.commit("HEAD"))


def test_an_invalid_policy_in_a_commit_is_refused(committed):
    with pytest.raises(InvalidPolicyError, match=r"auditor\.yaml:2"):
        committed(lambda root: (root / "auditor.yaml").write_text(SCHEMA + "mode: enforced\n"))


def test_a_commit_that_is_not_here_is_no_missing_policy(repository):
    repository.write("README.md", "x\n")
    repository.commit("Write")
    with Repository(repository.root) as opened, pytest.raises(GitError):
        read_at(opened, "1" * 40)
