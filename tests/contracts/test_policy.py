"""The rules: where they are read, what is refused, and what happens to a change that loosens them."""

from __future__ import annotations

import pytest
from workbench import checks, no_reproduction, result, trusting, unchanged, wrong_metric


def gate(policy):
    return policy.setdefault("gates", {}).setdefault("merge", {})


def governed(project, change, *, owners=("owner@example.org",)):
    """A project whose base has owners and some strictness, and a branch that changes the policy."""
    repo = project("network", "started")
    repo.checkout("main")

    def rules(policy):
        policy["trust"] = {"owners": list(owners), "approvers": [], "judges": [], "identities": {}}
        policy["tolerances"] = {
            "metrics": {"*": {"absolute": 1.0e-9, "relative": 1.0e-6}},
            "tensors": {"*": "auto"},
            "ignore": [],
        }
        policy["severities"] = {"lineage/impossible-time": "blocker"}
        policy["covers"] = ["**/*.py", "conf/**"]
        gate(policy)["checklist"] = "strict"

    repo.policy(rules)
    repo.commit("Set the rules")
    repo.git("checkout", "--quiet", "-B", "work")
    repo.policy(change)
    repo.commit("Change the rules")
    return repo


LOOSENED = {
    "wider tolerance": lambda p: p["tolerances"]["metrics"]["*"].update(absolute=0.5),
    "tolerance for one metric": lambda p: p["tolerances"]["metrics"].update(
        {"accuracy": {"absolute": 0.5, "relative": 0.0}}
    ),
    "lower severity": lambda p: p["severities"].update({"metrics/wrong-metric": "minor"}),
    "dropped severity": lambda p: p["severities"].clear(),
    "higher block-at": lambda p: gate(p).update({"block-at": "blocker"}),
    "shorter checklist": lambda p: gate(p).update(checklist="standard"),
    "fewer tiers": lambda p: gate(p).update(tiers=["digests"]),
    "lower evidence": lambda p: gate(p).update(require={"metrics": ["declared"]}),
    "fewer approvals": lambda p: p.setdefault("gates", {}).setdefault("deploy", {}).update(approvals=0),
    "wider ignore": lambda p: p["tolerances"]["ignore"].append("accuracy"),
    "narrower covers": lambda p: p.update(covers=["conf/**"]),
    "narrower manifests": lambda p: p.update(manifests=["elsewhere/*.run.yaml"]),
    "isolation added": lambda p: gate(p).update(isolation=["bwrap", "container", "none"]),
    "trust added": lambda p: p["trust"]["owners"].append("mallory@example.org"),
    "report only": lambda p: p.update(mode="report-only"),
}

TIGHTENED = {
    "narrower tolerance": lambda p: p["tolerances"]["metrics"]["*"].update(absolute=0.0),
    "higher severity": lambda p: p["severities"].update({"metrics/wrong-metric": "blocker"}),
    "lower block-at": lambda p: gate(p).update({"block-at": "minor"}),
    "more approvals": lambda p: p.setdefault("gates", {}).setdefault("deploy", {}).update(approvals=2),
    "wider covers": lambda p: p["covers"].append("data/**"),
}


@pytest.mark.parametrize("name", LOOSENED)
def test_a_loosened_policy_is_blocked_where_somebody_owns_it(project, name):
    report = governed(project, LOOSENED[name]).gate().expect(1).json()
    loosened = result(report, "governance/loosened-policy")
    assert (loosened["outcome"], loosened["severity"]) == ("failed", "major")
    assert loosened["findings"][0]["file"] == "auditor.yaml"


@pytest.mark.parametrize("name", TIGHTENED)
def test_a_tightened_policy_is_welcome(project, name):
    report = governed(project, TIGHTENED[name]).gate().expect(0).json()
    assert "governance/loosened-policy" not in checks(report, "failed", "inconclusive", "crashed")


def test_without_owners_a_loosened_policy_is_minor_and_review_is_the_only_guard(project):
    repo = governed(project, LOOSENED["wider tolerance"], owners=())
    report = repo.gate().expect(0).json()
    loosened = result(report, "governance/loosened-policy")
    assert (loosened["outcome"], loosened["severity"]) == ("failed", "minor")
    assert "review" in repo.auditor("gate", "merge", "--base", "main").expect(0).stdout.lower()


def test_a_deleted_policy_is_a_loosened_one(project):
    repo = governed(project, unchanged)
    repo.git("rm", "--quiet", "auditor.yaml")
    repo.commit("Go without")
    assert "governance/loosened-policy" in checks(repo.gate().expect(1).json(), "failed")


def test_comments_and_key_order_change_nothing(project):
    repo = governed(project, unchanged)
    lines = repo.read("auditor.yaml")
    repo.write("auditor.yaml", "# the same rules, told differently\n" + lines)
    repo.policy(lambda policy: [policy.update({key: policy.pop(key)}) for key in sorted(policy)])
    repo.commit("Tidy up")
    report = repo.gate().expect(0).json()
    assert "governance/loosened-policy" not in checks(report, "failed")
    assert len({policy["digest"] for policy in report["policies"]}) == 1


def test_the_worse_of_both_policies_decides(project):
    """Head's own rules are stricter, and its own run does not live up to them."""
    repo = project("network", "started")
    repo.checkout("main")
    repo.policy(trusting)
    repo.commit("Forgive")
    repo.git("checkout", "--quiet", "-B", "work")
    repo.record()
    repo.edit(no_reproduction)
    repo.policy(lambda policy: policy.pop("severities"))
    repo.commit("Be stricter")
    report = repo.gate().expect(4).json()
    assert {policy["role"]: policy["verdict"] for policy in report["policies"]} == {"base": "open", "head": "undecided"}


def test_a_policy_that_forgives_its_own_sabotage_is_judged_by_the_base(project):
    repo = project()
    repo.edit(wrong_metric)
    repo.policy(lambda policy: policy.update(mode="report-only", severities={"metrics/wrong-metric": "info"}))
    repo.commit("Record and forgive")
    report = repo.gate().expect(1).json()
    assert "metrics/wrong-metric" in checks(report, "failed")


def test_the_built_in_policy_is_shown(project):
    repo = project()
    repo.checkout("main")
    repo.git("rm", "--quiet", "auditor.yaml")
    repo.commit("Go without a policy")
    repo.checkout("work")
    repo.git("rm", "--quiet", "auditor.yaml")
    repo.commit("Follow")
    report = repo.gate().expect(0).json()
    assert [policy["role"] for policy in report["policies"]] == ["built-in"]
    assert "built-in" in repo.auditor("gate", "merge", "--base", "main").stdout


INVALID = {
    "unknown key": "schema: auditor/policy/v1\nno-such-key: 1\n",
    "unknown key further down": "schema: auditor/policy/v1\ngates: {merge: {blok-at: major}}\n",
    "unknown value": "schema: auditor/policy/v1\nmode: enforced\n",
    "other schema version": "schema: auditor/policy/v9\n",
    "not YAML": "schema: [auditor/policy/v1\n",
    "duplicate key": "schema: auditor/policy/v1\nmode: enforce\nmode: report-only\n",
    "a list": "- schema\n",
    "empty": "",
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_policy_at_the_policy_ref_is_2(project, name):
    repo = project()
    repo.checkout("main")
    repo.write("auditor.yaml", INVALID[name])
    repo.commit("Break the rules")
    repo.checkout("work")
    answer = repo.gate().expect(2)
    assert "auditor.yaml" in answer.stderr + answer.stdout


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_policy_in_the_head_is_a_finding(project, name):
    repo = project()
    repo.write("auditor.yaml", INVALID[name])
    repo.commit("Break the rules")
    report = repo.gate().expect(1).json()
    assert result(report, "governance/invalid-policy")["outcome"] == "failed"


def test_an_unknown_key_is_named_with_its_place(project):
    repo = project()
    repo.write("auditor.yaml", INVALID["unknown key"])
    repo.commit("Break the rules")
    (finding,) = result(repo.gate().expect(1).json(), "governance/invalid-policy")["findings"]
    assert "no-such-key" in finding["message"]
    assert (finding["file"], finding["line"]) == ("auditor.yaml", 2)
