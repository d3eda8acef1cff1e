from __future__ import annotations

import datetime as dt
import json
import os

import pytest
import yaml
from workbench import checks, result, results

from auditor.catalogue.check import catalogue
from auditor.digest import of_file
from auditor.ledger.keys import public_key
from auditor.policy.waivers import rule_digest

MODEL = "out/model.npz"


def deployed(team, code, *arguments, **options):
    return team.deploy(*arguments, **options).expect(code).json()


def approve(team, who, *subjects, **body):
    about = subjects or (team.digest(), of_file(team.repo.root / MODEL)[0])
    until = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    team.write("approval", *about, by=who, **{"gate": "deploy", "reason": "looked at it", "until": until, **body})


def heavy(report):
    """The checks that blocked."""
    return {r["check"] for r in results(report) if r["outcome"] == "failed" and r["severity"] in {"major", "blocker"}}


def failed(report, check):
    return "\n".join(finding["message"] for finding in result(report, check)["findings"])


def test_a_lone_maintainer_deploys_with_nothing_configured(team):
    report = deployed(team, 0, key=None)
    assert (report["gate"], report["verdict"], report["advisory"]) == ("deploy", "open", False)
    assert "approvals: 0, required: 0" in report["notes"]
    assert {claim["claim"]: claim["level"] for claim in report["runs"][0]["claims"]}["metric:accuracy"] == "recomputed"
    assert report["runs"][0]["manifest"] == team.repo.manifest
    assert [entry.kind for entry in team.entries()] == ["verdict", "promotion"]


def test_default_policy_asks_for_recomputed_metrics_and_an_approval(team):
    team.rule(lambda policy: policy.pop("gates"))
    report = deployed(team, 1, key=None)
    assert heavy(report) == {"governance/missing-approval", "metrics/insufficient-evidence"}


def test_foreign_bytes_are_blocked(team):
    team.repo.write("elsewhere.npz", b"other")
    report = deployed(team, 1, team.repo.manifest, artifact="elsewhere.npz", key=None)
    assert heavy(report) == {"artifacts/foreign-artifact"}
    deployed(team, 3, artifact="elsewhere.npz", key=None)
    deployed(team, 3, artifact="gone.npz", key=None)
    team.deploy(artifact=None, key=None).expect(2)


def test_only_a_judges_verdict_counts_once_judges_are_named(team):
    team.trust()
    report = deployed(team, 4, key=None)
    assert checks(report, "inconclusive") >= {"governance/missing-verdict"}
    assert "is not signed" in result(deployed(team, 4, key=None), "governance/missing-verdict")["reason"]
    report = deployed(team, 4, key="stranger")
    assert report["verdict"] == "undecided"
    assert "trust.identities gives to nobody" in result(deployed(team, 4, key=None), "governance/missing-verdict")["reason"]
    deployed(team, 0, key="judge")
    # The judge's verdict on record is enough for everybody else, and nothing is judged again.
    report = deployed(team, 0, key=None)
    assert report["runs"][0]["results"] == []
    assert any("not judged again" in note for note in report["notes"])


def test_verdict_under_another_policy_or_too_old_does_not_count(team):
    team.trust()
    deployed(team, 0)
    team.rule(lambda policy: policy.update(severities={"data/unnamed-input": "info"}))
    assert "another policy" in result(deployed(team, 4, key=None), "governance/missing-verdict")["reason"]
    deployed(team, 0)
    team.rule(lambda policy: policy["gates"]["deploy"].update({"max-verdict-age": "0s"}))
    report = deployed(team, 4, key=None)
    assert result(report, "governance/missing-verdict")["outcome"] == "inconclusive"


def test_newest_verdict_of_a_judge_that_is_not_open_blocks(team):
    team.trust()
    deployed(team, 0)
    body = next(iter(team.entries("verdict"))).body
    team.write("verdict", team.digest(), by="judge", **{**body, "verdict": "blocked", "gate": "merge"})
    report = deployed(team, 1, key=None)
    assert "governance/missing-verdict" in checks(report, "failed")


def test_approvals_are_counted_by_person_and_bound_to_bytes(team):
    team.trust(approvals=2)
    assert "0 of 2" in failed(deployed(team, 1), "governance/missing-approval")
    approve(team, "approver")
    approve(team, "approver")
    report = deployed(team, 1)
    assert "1 of 2" in failed(report, "governance/missing-approval")
    approve(team, "second")
    report = deployed(team, 0)
    assert "approvals: 2, required: 2: approver@example.org, second@example.org" in report["notes"]


@pytest.mark.parametrize(
    ("given", "words"), [({"until": "2026-01-01"}, "expired at 2026-01-02"), ({"gate": "merge"}, "0 of 1 approvals count")]
)
def test_approval_that_does_not_count_says_why(team, given, words):
    team.trust(approvals=1)
    approve(team, "approver", **given)
    assert words in failed(deployed(team, 1), "governance/missing-approval")


def test_approval_for_other_bytes_of_a_stranger_unsigned_or_of_the_author(team):
    team.trust(approvals=1)
    approve(team, "approver", team.digest(), "sha256:" + "ab" * 32)
    approve(team, "stranger")
    approve(team, None)
    said = failed(deployed(team, 1), "governance/missing-approval")
    assert "other bytes" in said
    assert "trust.identities gives to nobody" in said
    assert "is not signed" in said
    # The author's second address leads to the same person.
    team.rule(lambda policy: policy["trust"]["identities"].update({"author@example.org": "approver@example.org"}))
    approve(team, "approver")
    assert "one of the run's authors" in failed(deployed(team, 1), "governance/missing-approval")


def test_revoked_data_re_open_what_was_trained_on_them(team):
    team.trust()
    deployed(team, 0)
    train = next(data["digest"] for data in team.repo.claims()["data"] if data["name"] == "train")
    team.write("revocation", train, by="approver", reason="label leak")
    report = deployed(team, 1)
    assert "label leak" in failed(report, "lineage/revoked-ancestor")


def test_edited_ledger_is_not_relied_on(team):
    import sqlite3  # noqa: PLC0415

    team.trust()
    deployed(team, 0)
    with sqlite3.connect(team.repo.root / ".git/auditor/ledger.db") as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE entries SET digest = replace(digest, 'a', 'b') WHERE sequence = 2")
    answer = team.deploy()
    assert answer.exit == 1


def test_report_only_hands_nothing_on(team, tmp_path):
    team.rule(lambda policy: policy.update(mode="report-only"))
    report = deployed(team, 0, "--to", str(tmp_path / "out"), key=None)
    assert report["advisory"] is True
    assert list((tmp_path / "out").iterdir()) == []
    assert team.entries() == []


def test_what_was_hashed_is_what_is_handed_on(team, tmp_path):
    to = tmp_path / "release"
    deployed(team, 0, "--to", str(to), key=None)
    (placed,) = to.iterdir()
    assert placed.read_bytes() == (team.repo.root / MODEL).read_bytes()
    assert not placed.stat().st_mode & 0o222
    assert "exists already" in team.deploy("--to", str(to), key=None).expect(2).stderr
    team.repo.write("elsewhere.npz", b"other")
    blocked = tmp_path / "blocked"
    deployed(team, 1, team.repo.manifest, "--to", str(blocked), artifact="elsewhere.npz", key=None)
    assert list(blocked.iterdir()) == []


def test_attestation_vouches_for_every_artifact_and_the_manifest(team, tmp_path):
    team.trust(approvals=1)
    approve(team, "approver")
    out, brief = tmp_path / "attestation.json", tmp_path / "summary.json"
    deployed(team, 0, "--attestation-out", str(out), "--summary-out", str(brief))
    public = f"{team.key('judge')}.pub"
    files = [name for path in (MODEL, team.repo.manifest, "out/metrics.json") for name in ("--artifact", path)]
    said = team.repo.auditor("verify", str(out), *files, "--key", public).expect(0).stdout
    assert "approvals 1 of 1 required: approver@example.org" in said
    assert "evidence  recomputed  metric:accuracy" in said
    team.repo.auditor("verify", str(brief), "--artifact", MODEL, "--key", public).expect(0)
    team.repo.auditor("verify", str(out), "--artifact", "train.py", "--key", public).expect(1)
    team.repo.auditor("verify", str(out), "--artifact", MODEL, "--key", f"{team.key('stranger')}.pub").expect(1)


def test_nothing_is_attested_when_the_gate_is_not_open(team, tmp_path):
    team.trust(approvals=1)
    out = tmp_path / "attestation.json"
    deployed(team, 1, "--attestation-out", str(out))
    assert not out.exists()
    assert "there is no key" in team.deploy("--attestation-out", str(out), key=None).expect(2).stderr


def test_image_has_to_be_the_recorded_one(team):
    report = deployed(team, 4, "--image", "app@sha256:" + "ab" * 32, key=None)
    assert "environment/foreign-image" in checks(report, "inconclusive")
    deployed(team, 1, "--image", "app:latest", key=None)


def test_tampered_policy_on_the_branch_is_not_asked(team):
    team.trust(approvals=1)
    team.repo.branch("sly")
    team.repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=0))
    team.repo.commit("Ask for nothing")
    report = deployed(team, 1)
    assert "governance/missing-approval" in checks(report, "failed")
    assert [policy["role"] for policy in report["policies"]] == ["base"]


def test_pickle_weighs_more_where_it_is_loaded(team):
    from auditor.gate.deploy import HEAVIER  # noqa: PLC0415

    assert set(HEAVIER) == {"security/unsafe-format"}
    report = deployed(team, 0, key=None)
    assert result(report, "security/unsafe-format")["severity"] == "major"
    team.rule(lambda policy: policy.update(severities={"security/unsafe-format": "info"}))
    assert result(deployed(team, 0, key=None), "security/unsafe-format")["severity"] == "info"


def test_json_says_when_it_was_not_judged(team):
    team.trust()
    deployed(team, 0)
    report = json.loads(team.deploy(key=None).stdout)
    assert dt.datetime.fromisoformat(next(n for n in report["notes"] if "judged at" in n).split()[2]) <= dt.datetime.now(
        dt.UTC
    )
    assert os.environ.get("AUDITOR_KEY") is None


def test_revoked_key_of_a_judge_and_of_an_approver_count_no_longer(team):
    team.trust(approvals=1)
    approve(team, "approver")
    deployed(team, 0)
    team.write("revocation", public_key(f"{team.key('judge')}.pub").keyid, by="second", reason="the laptop was stolen")
    assert "key that was revoked" in result(deployed(team, 4, key=None), "governance/missing-verdict")["reason"]
    team.write("revocation", public_key(f"{team.key('approver')}.pub").keyid, by="second", reason="so was this one")
    assert "key that was revoked" in failed(deployed(team, 1, key=None), "governance/missing-approval")


def test_ledger_moved_to_postgresql_says_the_same(team, postgresql):
    team.trust(approvals=1)
    approve(team, "approver")
    before = [entry.digest for entry in team.entries()]
    team.move_ledger(postgresql.database("deployments"))
    assert [entry.digest for entry in team.entries()] == before
    report = deployed(team, 0)
    assert "approvals: 1, required: 1: approver@example.org" in report["notes"]
    assert [entry.kind for entry in team.entries()] == ["approval", "verdict", "promotion"]
    approve(team, "second", until="2026-01-01")
    train = next(data["digest"] for data in team.repo.claims()["data"] if data["name"] == "train")
    team.write("revocation", train, by="approver", reason="label leak")
    assert "label leak" in failed(deployed(team, 1), "lineage/revoked-ancestor")


def test_old_checkpoint_is_undecided(team):
    team.trust()
    team.rule(lambda policy: policy.update(ledger={"max-age": "1d"}))
    assert "no checkpoint" in result(deployed(team, 4), "governance/broken-ledger")["reason"]
    team.checkpoint()
    deployed(team, 0)


def test_owners_waiver_holds_and_is_counted(team):
    team.trust(people=("owner",))
    team.rule(lambda policy: policy.update(severities={"data/unlicensed-dataset": "major"}))
    assert "data/unlicensed-dataset" in heavy(deployed(team, 1))
    until = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    rule = rule_digest(catalogue()["data/unlicensed-dataset"].rule)
    said = {"check": "data/unlicensed-dataset", "reason": "licence is on its way", "until": until}
    team.write("waiver", team.digest(), by="owner", **said)
    assert "data/unlicensed-dataset" in heavy(deployed(team, 1)), "a waiver that is bound to no rule"
    team.write("waiver", team.digest(), by="stranger", **said, rule=rule)
    deployed(team, 1)
    team.write("waiver", team.digest(), by="owner", **said, rule=rule)
    assert result(deployed(team, 0), "data/unlicensed-dataset")["waived"] is True
    # What rests on a waiver is judged again each time.
    assert deployed(team, 0, key=None)["runs"][0]["results"]


def test_image_update_needs_the_policy_and_a_repeat_that_passed(team):
    old, new = ("app@sha256:" + letters * 32 for letters in ("ab", "cd"))
    first = team.repo.manifest
    team.repo.edit(lambda claims: claims["environment"].update(container={"image": old}))
    team.repo.commit("Name the image")
    deployed(team, 0, first, "--image", old, key=None)
    team.rule(lambda policy: policy.update(images=[new]))
    report = deployed(team, 1, first, "--image", new, key=None)
    assert "the run was made in app@sha256:abab" in failed(report, "environment/foreign-image")
    repeat = team.repo.claims(first)
    repeat["run"]["id"] = "repeat"
    repeat["environment"]["container"] = {"image": new}
    repeat["lineage"] = {"parents": [{"digest": team.digest(first), "relation": "repeat-of"}]}
    team.repo.write("runs/repeat.run.yaml", yaml.safe_dump(repeat, sort_keys=False))
    team.repo.commit("Repeat it in the new image")
    deployed(team, 1, first, "--image", new, key=None)
    team.write("verdict", team.digest("runs/repeat.run.yaml"), verdict="open", gate="merge")
    deployed(team, 0, first, "--image", new, key=None)
    team.rule(lambda policy: policy.update(images=[]))
    deployed(team, 1, first, "--image", new, key=None)


def test_short_checklist_does_not_leave_out_whose_bytes_these_are(team):
    team.rule(lambda policy: policy["gates"]["deploy"].update(checklist="data", approvals=1))
    team.repo.write("elsewhere.npz", b"other")
    report = deployed(team, 1, team.repo.manifest, artifact="elsewhere.npz", key=None)
    assert {"artifacts/foreign-artifact", "governance/missing-approval"} <= heavy(report)
