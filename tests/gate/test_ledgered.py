"""What the merge gate honours of the ledger, and what it leaves there."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import yaml
from governed import here, minimal
from workbench import checks, result, verify

from auditor.git import Repository
from auditor.ledger.entry import Kind, draft
from auditor.ledger.keys import signing_key
from auditor.ledger.ledger import open_ledger

LOOSER = "governance/loosened-policy"
FAILING = "configuration/stale-digest"


def gate(team, *options):
    answer = here(team.repo, "gate", "merge", "--base", "main", "--format", "json", *options)
    report = json.loads(answer.stdout)
    verify(report, answer)
    return report


def entries(team, kind=None):
    with Repository.discover(team.repo.root) as repository, open_ledger(None, repository, writable=False) as ledger:
        return list(ledger.entries(kind))


@pytest.fixture
def work(team):
    """A branch with a run that one check is against, and nothing to execute."""
    repo = team.repo
    repo.policy(lambda policy: policy.setdefault("gates", {}).setdefault("merge", {}).update(tiers=["digests"]))
    lighter = ("reproduction/unexercised-run", "data/undeclared-input", "environment/unrecorded-environment")
    repo.policy(lambda policy: policy.update(severities=dict.fromkeys(lighter, "minor")))
    repo.commit("Execute nothing")
    repo.branch("work")
    value = minimal(repo, id="second", author="The Author <author@example.org>")
    value["configuration"] = {"effective": {"rate": 1}, "digest": "sha256:" + 32 * "01"}
    repo.write("runs/second.run.yaml", yaml.safe_dump(value))
    repo.commit("Record another run")
    team.manifest = "runs/second.run.yaml"
    return team


def soon(days=5):
    return (dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days)).date().isoformat()


def test_a_waiver_of_an_owner_excuses_and_is_warned_of_before_it_ends(work):
    assert FAILING in checks(gate(work), "failed")
    assert gate(work)["verdict"] == "blocked"
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    report = gate(work)
    assert report["verdict"] == "open"
    text = here(work.repo, "gate", "merge", "--base", "main").stdout
    assert "waived for second by owner@example.org" in text
    assert "it ends in 5 days" in " ".join(text.split())


def test_a_waiver_ends_with_another_manifest(work):
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    work.repo.write(work.manifest, work.repo.read(work.manifest).replace("rate: 1", "rate: 2"))
    work.repo.commit("Change the run")
    assert gate(work)["verdict"] == "blocked"


def forged(team, kind, body, *, by=None, subject=None):
    """Write into the ledger as somebody who has the database and perhaps a key, past every command."""
    key = signing_key(str(team.keys[by])) if by is not None else None
    with Repository.discover(team.repo.root) as repository, open_ledger(None, repository) as ledger:
        ledger.extend(
            [draft(Kind(kind), subjects=(subject or digest_of(team),), body=body, key=key, actor="owner@example.org")]
        )


def digest_of(team):
    from auditor.gate.subject import from_file  # noqa: PLC0415

    return from_file(team.repo.root, team.manifest).digest


@pytest.mark.parametrize("by", [None, "stranger", "approver"])
def test_a_waiver_that_no_owner_signed_excuses_nothing_and_is_named(work, by):
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    (entry,) = entries(work)
    (work.repo.root / ".git/auditor/ledger.db").unlink()
    forged(work, "waiver", entry.body, by=by)
    report = gate(work)
    assert report["verdict"] == "blocked"
    assert "governance/void-waiver" in checks(report, "failed")


def test_a_waiver_for_another_meaning_of_the_rule_is_void(work):
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    (entry,) = entries(work)
    (work.repo.root / ".git/auditor/ledger.db").unlink()
    forged(work, "waiver", entry.body | {"rule": "sha256:" + 64 * "1"}, by="owner")
    report = gate(work)
    assert report["verdict"] == "blocked"
    assert "another meaning" in json.dumps(result(report, "governance/void-waiver"))


def test_more_waivers_than_the_policy_allows_block(work):
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    work.repo.checkout("main")
    work.repo.policy(lambda policy: policy["gates"]["merge"].update({"max-waivers": 0}))
    work.repo.commit("Waive nothing")
    work.repo.checkout("work")
    work.repo.git("rebase", "--quiet", "main")
    report = gate(work)
    assert report["verdict"] == "blocked"
    assert "governance/excessive-waivers" in checks(report, "failed")


def loosen(team):
    team.repo.branch("looser")
    team.repo.policy(lambda policy: policy.update(mode="report-only"))
    team.repo.commit("Ask for less")


def test_an_owner_accepts_a_looser_policy(team):
    loosen(team)
    assert LOOSER in checks(gate(team), "failed")
    answer = team.act("approve", "auditor.yaml", "--gate", "merge", by="owner").expect(0)
    assert "/mode" in answer.stdout
    report = gate(team)
    assert LOOSER in checks(report, "passed")
    assert report["verdict"] == "open"
    assert "owner@example.org accepted the looser policy" in here(team.repo, "gate", "merge", "--base", "main").stdout


def test_an_acceptance_is_about_one_policy_in_place_of_one_other(team):
    loosen(team)
    team.act("approve", "auditor.yaml", "--gate", "merge", by="owner").expect(0)
    team.repo.policy(lambda policy: policy.update(covers=[]))
    team.repo.commit("Ask for even less")
    assert LOOSER in checks(gate(team), "failed")


def test_an_acceptance_ends_when_the_base_s_policy_changes(team):
    loosen(team)
    team.act("approve", "auditor.yaml", "--gate", "merge", by="owner").expect(0)
    assert LOOSER in checks(gate(team), "passed")
    team.repo.checkout("main")
    team.repo.policy(lambda policy: policy.update(severities={"data/unnamed-input": "major"}))
    team.repo.commit("Ask for more")
    team.repo.checkout("looser")
    assert LOOSER in checks(gate(team), "failed")


def test_only_an_owner_of_the_base_accepts(team):
    loosen(team)
    team.repo.policy(lambda policy: policy["trust"].update(owners=["approver@example.org"]))
    team.repo.commit("Own it ourselves")
    assert "none of the owners" in team.act("approve", "auditor.yaml", "--gate", "merge", by="approver").expect(1).stderr
    team.act("approve", "auditor.yaml", "--gate", "merge", by="owner").expect(0)
    (entry,) = entries(team)
    (team.repo.root / ".git/auditor/ledger.db").unlink()
    forged(team, "acceptance", entry.body, by="approver", subject=entry.subject)
    assert LOOSER in checks(gate(team), "failed")


def test_nothing_to_accept_is_said(team):
    team.act("approve", "auditor.yaml", "--gate", "merge", by="owner").expect(2)
    team.act("approve", "auditor.yaml", "--gate", "deploy", by="owner").expect(2)


def test_the_merge_gate_counts_approvals_where_the_policy_asks_for_them(work):
    work.repo.checkout("main")
    work.repo.policy(lambda policy: policy["gates"]["merge"].update(approvals=1))
    work.repo.policy(lambda policy: policy["severities"].update({FAILING: "minor"}))
    work.repo.commit("Ask for an approval")
    work.repo.checkout("work")
    work.repo.git("rebase", "--quiet", "main")
    assert "governance/unapproved-run" in checks(gate(work), "failed")
    work.approve("author", gate="merge").expect(1)
    work.approve("approver", gate="deploy").expect(0)
    assert gate(work)["verdict"] == "blocked"
    work.approve("approver", gate="merge").expect(0)
    report = gate(work)
    assert "governance/unapproved-run" in checks(report, "passed")
    assert report["verdict"] == "open"


def test_statements_of_a_checklist_are_people_s_to_make(work):
    work.repo.checkout("main")
    work.repo.policy(lambda policy: policy["gates"]["merge"].update(checklist="publication"))
    work.repo.commit("Mean to publish")
    work.repo.checkout("work")
    work.repo.git("rebase", "--quiet", "main")
    missing = result(gate(work), "governance/unattested-statement")
    assert len(missing["findings"]) == 5
    work.act("attest", work.manifest, "publication/licence-reviewed", by="approver").expect(0)
    assert len(result(gate(work), "governance/unattested-statement")["findings"]) == 4
    forged(work, "attestation", {"item": "publication/limits-stated", "until": soon()}, by="stranger")
    assert len(result(gate(work), "governance/unattested-statement")["findings"]) == 4


def test_a_verdict_that_nothing_stands_behind_is_not_recorded(work):
    gate(work)
    assert not (work.repo.root / ".git/auditor/ledger.db").exists()


def test_a_verdict_is_recorded_with_a_key(work, tmp_path):
    work.repo.extra |= {"AUDITOR_KEY": str(work.keys["judge"])}
    gate(work)
    (entry,) = entries(work)
    assert entry.kind is Kind.VERDICT
    assert entry.is_signed()
    assert entry.subject == digest_of(work)
    assert (entry.body["gate"], entry.body["verdict"], entry.body["advisory"]) == ("merge", "blocked", False)
    assert work.repo.git("status", "--porcelain") == ""


def test_a_verdict_that_cannot_be_recorded_is_the_same_verdict(work):
    work.repo.extra |= {"AUDITOR_KEY": str(work.keys["judge"])}
    (work.repo.root / ".git/auditor").mkdir(exist_ok=True)
    (work.repo.root / ".git/auditor/ledger.db").mkdir()
    answer = here(work.repo, "gate", "merge", "--base", "main").expect(1)
    assert "not on record" in answer.stdout


def test_a_damaged_ledger_grants_nothing_and_is_named(work):
    work.act("waive", work.manifest, FAILING, "--until", soon(), by="owner").expect(0)
    path = work.repo.root / ".git/auditor/ledger.db"
    path.write_bytes(b"this is no database, whatever its name says" * 100)
    answer = here(work.repo, "gate", "merge", "--base", "main").expect(1)
    assert "nothing in it counts" in " ".join(answer.stdout.split())


def test_an_isolated_execution_is_recorded_and_leaves_the_work_tree_alone(project):
    repo = project()
    report = repo.gate().expect(0).json()
    assert {r["isolation"] for run in report["runs"] for r in run["reproductions"]} <= {"bwrap", "container"}
    with Repository.discover(repo.root) as repository, open_ledger(None, repository, writable=False) as ledger:
        (entry,) = ledger.entries()
    assert entry.key is None
    assert (entry.body["gate"], entry.body["verdict"]) == ("merge", "open")
    assert entry.body["levels"]
    assert repo.git("status", "--porcelain") == ""
