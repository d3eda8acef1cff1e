"""What people do under their own names, and what is refused."""

from __future__ import annotations

import datetime as dt

import pytest
from governed import here

from auditor.git import Repository
from auditor.ledger.keys import public_key
from auditor.ledger.ledger import open_ledger
from auditor.policy.approvals import Standing
from auditor.policy.authors import authors
from auditor.policy.identity import People
from auditor.policy.load import read_at

OTHER = "sha256:" + 64 * "b"


@pytest.fixture
def standing(team):
    """What holds in the team's ledger, as a gate would see it ``days`` from now."""
    with Repository.discover(team.repo.root) as repository, open_ledger(None, repository) as ledger:

        def at(days: float = 0) -> Standing:
            people = People(read_at(repository, "main").policy.trust)
            return Standing(ledger, people, dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=days))

        yield at


def approvals(team, standing, days=0.0):
    at = standing(days)
    entries = list(at.ledger.entries())
    with Repository.discover(team.repo.root) as repository:
        made_by = authors(repository, "HEAD", path=team.manifest, author="author@example.org", commit=None)
    return at.approvals(entries[0].subject, gate="deploy", made_by=made_by)


def test_two_people_approve_and_both_count(team, standing):
    answer = team.approve("approver").expect(0)
    assert "approval by approver@example.org" in answer.stdout
    team.approve("second").expect(0)
    found = approvals(team, standing)
    assert [one.person for one in found.holding] == ["approver@example.org", "second@example.org"]
    assert found.void == ()
    assert team.repo.git("status", "--porcelain") == ""


def test_nobody_counts_twice(team):
    team.approve("approver").expect(0)
    answer = team.approve("approver").expect(1)
    assert "already" in answer.stderr


def test_the_author_may_not_approve(team):
    assert "one of the run's authors" in team.approve("author").expect(1).stderr


def test_the_author_may_not_approve_under_a_second_address(team):
    team.govern(identities=team.trust["identities"] | {"other@example.org": "approver@example.org"})
    team.repo.env |= {"GIT_AUTHOR_EMAIL": "Other@Example.org"}
    team.repo.write(team.manifest, team.repo.read(team.manifest) + "# touched\n")
    team.repo.commit("Touch the manifest")
    answer = team.approve("approver").expect(1)
    assert "a commit that touched the manifest" in answer.stderr


def test_a_co_author_may_not_approve(team):
    team.repo.write(team.manifest, team.repo.read(team.manifest) + "# touched\n")
    team.repo.commit("Touch it\n\nCo-authored-by: Somebody <approver@example.org>")
    team.approve("approver").expect(1)


def test_whoever_opened_the_pull_request_may_not_approve(team, tmp_path):
    team.govern(identities=team.trust["identities"] | {"some-login": "approver@example.org"})
    event = tmp_path / "event.json"
    event.write_text('{"pull_request": {"user": {"login": "Some-Login"}}}', encoding="utf-8")
    team.repo.extra |= {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(event)}
    assert "the pull request" in team.approve("approver").expect(1).stderr


def test_a_key_that_nobody_knows_is_refused_with_the_line_to_add(team):
    answer = team.approve("stranger").expect(1)
    assert "does not know whose key" in answer.stderr
    assert team.public["stranger"].split()[1] in answer.stderr


def test_who_is_no_approver_is_refused(team):
    assert "none of the approvers" in team.approve("judge").expect(1).stderr


def test_an_approval_needs_a_key_whatever_git_says(team):
    team.repo.git("config", "user.email", "approver@example.org")
    assert "has to be signed" in team.approve(None).expect(2).stderr


def test_the_key_may_come_from_the_environment(team):
    team.repo.extra |= {"AUDITOR_KEY": str(team.keys["approver"])}
    team.approve(None).expect(0)


def test_an_approval_expires(team, standing):
    soon = (dt.datetime.now(tz=dt.UTC) + dt.timedelta(days=3)).date().isoformat()
    team.approve("approver", "--until", soon).expect(0)
    assert len(approvals(team, standing).holding) == 1
    found = approvals(team, standing, days=5)
    assert found.holding == ()
    assert "expired" in found.void[0].why


@pytest.mark.parametrize("day", ["2020-01-01", "2099-01-01", "soon", "2026-02-30"])
def test_an_end_that_is_none_is_refused(team, day):
    team.approve("approver", "--until", day).expect(2)


def test_an_approval_is_about_the_digest_and_no_other(team, standing):
    team.approve("approver").expect(0)
    assert standing().approvals(OTHER, gate="deploy", made_by=()).holding == ()
    assert approvals(team, standing).holding
    (entry,) = standing().ledger.entries()
    assert standing().approvals(entry.subject, gate="merge", made_by=()).holding == ()


def test_a_forged_approval_does_not_count(team, standing):
    """Whoever can write to the database can write an approval, but not sign it."""
    team.approve("approver").expect(0)
    ledger = standing().ledger
    (entry,) = ledger.entries()
    ledger.append("approval", subject=entry.subject, body=entry.body, actor="second@example.org")
    found = approvals(team, standing)
    assert [one.person for one in found.holding] == ["approver@example.org"]
    assert "not signed" in found.void[0].why


def test_a_revoked_key_signs_nothing_that_counts(team, standing):
    team.approve("approver").expect(0)
    keyid = public_key(str(team.keys["approver"])).keyid
    team.act("revoke", keyid, by="owner").expect(0)
    found = approvals(team, standing)
    assert found.holding == ()
    assert "was revoked" in found.void[0].why
    assert "was revoked" in team.approve("approver").expect(1).stderr


def test_a_key_that_is_replaced_keeps_what_it_signed(team, standing):
    team.approve("approver").expect(0)
    keyid = public_key(str(team.keys["approver"])).keyid
    team.act("revoke", keyid, "--keep-earlier", by="owner").expect(0)
    assert len(approvals(team, standing).holding) == 1
    team.approve("approver").expect(1)


def test_an_approval_can_be_taken_back(team, standing):
    statement = team.approve("approver").expect(0).stdout.splitlines()[1].split()[-1]
    team.act("revoke", statement, by="approver").expect(0)
    assert approvals(team, standing).holding == ()


def test_what_was_revoked_cannot_be_approved(team):
    team.approve("approver").expect(0)
    with Repository.discover(team.repo.root) as repository, open_ledger(None, repository) as ledger:
        (entry,) = ledger.entries()
    team.act("revoke", entry.subject, by="owner", reason="label leak").expect(0)
    assert "label leak" in team.approve("second").expect(1).stderr


def test_where_nobody_is_named_anybody_revokes(team):
    team.repo.policy(lambda policy: policy.pop("trust"))
    team.repo.commit("Name nobody")
    assert "anybody may revoke" in team.act("revoke", OTHER).expect(0).stdout


def test_only_owners_waive(team):
    waive = ("waive", team.manifest, "data/undigested-dataset", "--until", "2027-01-31")
    assert "none of the owners" in team.act(*waive, by="approver").expect(1).stderr
    team.act(*waive, by="owner").expect(0)


def test_what_cannot_be_waived_is_said(team):
    assert (
        "no check called"
        in team.act("waive", team.manifest, "data/nonsense", "--until", "2027-01-31", by="owner").expect(2).stderr
    )
    team.act("waive", team.manifest, "data/undigested-dataset", by="owner").expect(2)


def test_people_answer_what_no_check_can(team, standing):
    team.act("attest", team.manifest, "publication/licence-reviewed", by="approver").expect(0)
    team.act("attest", team.manifest, "data/unlicensed-dataset", by="second").expect(0)
    assert (
        "publication/licence-reviewed"
        in team.act("attest", team.manifest, "publication/nonsense", by="second").expect(2).stderr
    )
    (subject,) = {entry.subject for entry in standing().ledger.entries()}
    answers = {one.entry.body["item"]: one.person for one in standing().answers(subject)}
    assert answers == {
        "publication/licence-reviewed": "approver@example.org",
        "data/unlicensed-dataset": "second@example.org",
    }


def test_the_policy_of_the_base_decides_who_may(team):
    """A branch that names its own people is judged by the base's."""
    team.repo.branch("work")
    team.repo.policy(lambda policy: policy["trust"].update(approvers=["judge@example.org"]))
    team.repo.commit("Name ourselves")
    team.approve("judge").expect(1)
    team.approve("approver").expect(0)


def test_the_ledger_tells_what_was_done(team):
    team.approve("approver").expect(0)
    team.act(
        "waive", team.manifest, "data/undigested-dataset", "--until", "2027-01-31", by="owner", reason="vendor \x1b data"
    ).expect(0)
    log = here(team.repo, "ledger", "log").expect(0).stdout.splitlines()
    assert len(log) == 2
    assert "approver@example.org" in log[0]
    assert "\x1b" not in log[1]
    assert here(team.repo, "ledger", "log", "--kind", "waiver").expect(0).stdout.splitlines() == log[1:]
    here(team.repo, "ledger", "log", "--kind", "nonsense").expect(2)
    shown = here(team.repo, "ledger", "show", "2").expect(0).stdout
    assert '"check": "data/undigested-dataset"' in shown
    here(team.repo, "ledger", "show", "3").expect(3)
    assert "2 entries, signed" in here(team.repo, "ledger", "verify").expect(0).stdout


def test_a_ledger_moves_to_another_database_with_the_same_digests(team, tmp_path, postgresql):
    team.approve("approver").expect(0)
    team.approve("second").expect(0)
    here(team.repo, "ledger", "checkpoint", "--key", str(team.keys["judge"])).expect(0)
    line = team.repo.auditor("ledger", "export").expect(0).stdout
    (tmp_path / "ledger.jsonl").write_text(line, encoding="utf-8")
    team.repo.policy(lambda policy: policy.update(ledger=postgresql.database("moved")))
    team.repo.commit("Keep the ledger on a server")
    assert "3 new entries, 3 in all" in here(team.repo, "ledger", "import", str(tmp_path / "ledger.jsonl")).expect(0).stdout
    assert "0 new entries, 3 in all" in here(team.repo, "ledger", "import", str(tmp_path / "ledger.jsonl")).expect(0).stdout
    assert team.repo.auditor("ledger", "export").expect(0).stdout == line
    verified = here(team.repo, "ledger", "verify").expect(0).stdout
    assert "3 entries, signed" in verified
    assert "already" in team.approve("second").expect(1).stderr


def test_a_checkpoint_kept_elsewhere_betrays_a_shortened_ledger(team, tmp_path):
    team.approve("approver").expect(0)
    kept = tmp_path / "kept.json"
    kept.write_text(
        here(team.repo, "ledger", "checkpoint", "--key", str(team.keys["judge"])).expect(0).stdout, encoding="utf-8"
    )
    here(team.repo, "ledger", "verify", "--checkpoint", str(kept)).expect(0)
    (team.repo.root / ".git/auditor/ledger.db").unlink()
    answer = here(team.repo, "ledger", "verify", "--checkpoint", str(kept)).expect(1)
    assert "BROKEN" in answer.stdout
    kept.write_text("{}\n", encoding="utf-8")
    here(team.repo, "ledger", "verify", "--checkpoint", str(kept)).expect(1)


def test_the_rules_in_force_are_explained_in_prose(team):
    team.act(
        "waive", team.manifest, "data/undigested-dataset", "--until", "2027-01-31", by="owner", reason="vendor data"
    ).expect(0)
    page = here(team.repo, "policy", "explain").expect(0).stdout
    assert "One person who had no hand in the run must have approved it" in page
    assert "owner@example.org may accept looser rules and waive findings." in page
    assert "the recorded, scaled-down run is executed again" in page
    assert "data/undigested-dataset is waived for case until 2027-01-31 by owner@example.org: vendor data." in page
    assert page.strip().endswith("Next review: 2027-01-31, when the waiver of data/undigested-dataset for case ends.")


def test_the_built_in_rules_are_explained_where_there_are_none(repository):
    repository.commit("Start")
    page = here(repository, "policy", "explain").expect(0).stdout
    assert "the built-in policy, since none is committed" in page
    assert "Nothing is waived." in page
    assert "review rules are the only guard" in page
