"""What a verdict is posted as, against a GitHub that holds each call to GitHub's own description."""

from __future__ import annotations

import pytest
from fake.server import SCOPES, TOKEN, Fault

from auditor.errors import UsageError
from auditor.integrations.github import by_hand, checks, comment, issues, pulls, statuses
from auditor.integrations.github.app import installed
from auditor.integrations.github.checks import CheckRun
from auditor.integrations.github.hub import Hub, NotPostedError
from auditor.integrations.github.keep import keep
from auditor.integrations.github.patience import Patience
from auditor.model.annotation import Annotation

HEAD = "a" * 40
BASE = "b" * 40


def remark(line: int) -> Annotation:
    return Annotation(path="runs/a.run.yaml", line=line, level="failure", title="data/x", message=f"number {line}")


def run(count: int = 0, **changed) -> CheckRun:
    wanted = {"name": "auditor/main", "head": HEAD, "external": "1.1", "title": "open", "summary": "fine"}
    wanted |= {"annotations": [remark(line + 1) for line in range(count)], "conclusion": "success"}
    return CheckRun(**wanted | changed)


def test_a_check_run_shows_every_annotation_once(fake, hub):
    checks.post(hub(), run(123))
    (made,) = fake.runs.values()
    assert (made["status"], made["conclusion"]) == ("completed", "success")
    assert [each["start_line"] for each in fake.annotations[made["id"]]] == list(range(1, 124))
    patches = [call for call in fake.calls if call.method == "PATCH"]
    assert [len(call.body["output"].get("annotations", ())) for call in patches] == [50, 50, 23, 0]


def test_a_check_run_is_concluded_last(fake, hub):
    fake.faults.append(Fault("PATCH .*check-runs", 422))
    with pytest.raises(NotPostedError):
        checks.post(hub(), run(60))
    (made,) = fake.runs.values()
    assert made["conclusion"] is None


def test_an_attempt_goes_on_with_the_check_run_that_it_began(fake, hub):
    checks.post(hub(), run(conclusion=None))
    checks.post(hub(), run(conclusion="failure"))
    (made,) = fake.runs.values()
    assert made["conclusion"] == "failure"
    checks.post(hub(), run(external="1.2", conclusion="success"))
    assert len(fake.runs) == 2


def test_a_commit_is_kept_once_and_stays_so(fake, hub):
    for _ in range(2):
        keep(hub(), HEAD)
    assert fake.references == {f"refs/auditor/keep/{HEAD}": HEAD}
    fake.faults.append(Fault("POST .*git/refs", 422))
    with pytest.raises(NotPostedError, match="on demand"):
        keep(hub(), BASE)
    fake.tokens["reader"] = {"contents"}
    with pytest.raises(NotPostedError) as refused:
        keep(hub("reader"), BASE)
    assert "contents: write" in (refused.value.hint or "")


@pytest.mark.parametrize("after", [False, True])
def test_annotations_are_never_doubled_by_an_outage(fake, hub, waits, after):
    fake.faults += [Fault("PATCH .*check-runs", 502, after=after)]
    checks.post(hub(), run(60))
    (made,) = fake.runs.values()
    assert [each["start_line"] for each in fake.annotations[made["id"]]] == list(range(1, 61))
    assert waits == [1.0]


def test_what_is_too_long_is_cut(fake, hub):
    long = Annotation(path="a", line=1, level="notice", title="t" * 999, message="m" * 70_000)
    checks.post(hub(), run(summary="s" * 70_000, title="t" * 999, annotations=[long]))
    statuses.post(hub(), HEAD, "failure", "d" * 300, context="auditor")
    assert len(fake.statuses[0]["description"]) == 140


def test_ten_thousand_findings_are_cut_to_what_anybody_reads(fake, hub):
    checks.post(hub(), run(10_000))
    (made,) = fake.runs.values()
    assert len(fake.annotations[made["id"]]) == checks.MOST


def test_one_comment_is_kept_up_to_date(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    for attempt in ((1, 1), (1, 2), (2, 1)):
        assert comment.keep(hub(), 7, f"attempt {attempt}", key="merge", attempt=attempt)
    (kept,) = fake.remarks.values()
    assert "attempt (2, 1)" in kept["body"]


def test_an_earlier_attempt_that_ends_late_leaves_the_later_ones_words(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    assert comment.keep(hub(), 7, "new", key="merge", attempt=(2, 1))
    assert not comment.keep(hub(), 7, "old", key="merge", attempt=(1, 9))
    (kept,) = fake.remarks.values()
    assert "new" in kept["body"]


def test_two_at_once_leave_one_comment(fake, hub, monkeypatch):
    fake.open_pull(7, head=HEAD, base=BASE)
    # The second run writes between the first one's look and its own comment.
    first = hub()
    listed = comment._mine
    calls = []

    def interrupted(comments, key):
        found = listed(comments, key)
        calls.append(1)
        if len(calls) == 1:
            assert comment.keep(hub(), 7, "second", key="merge", attempt=(2, 1))
        return found

    monkeypatch.setattr(comment, "_mine", interrupted)
    comment.keep(first, 7, "first", key="merge", attempt=(1, 1))
    (kept,) = fake.remarks.values()
    assert "second" in kept["body"]


def test_a_comment_that_a_person_wrote_is_never_taken_for_ours(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    comment.keep(hub(), 7, "blocked", key="merge", attempt=(1, 1))
    (forged,) = fake.remarks.values()
    forged["user"]["type"] = "User"
    comment.keep(hub(), 7, "open", key="merge", attempt=(2, 1))
    assert len(fake.remarks) == 2
    assert "blocked" in forged["body"]


def test_a_comment_of_any_length_is_taken(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    comment.keep(hub(), 7, "x" * 65_537, key="merge", attempt=(1, 1))
    (kept,) = fake.remarks.values()
    assert len(kept["body"]) <= 65_536
    assert "Cut" in kept["body"]


def test_the_comment_is_found_on_a_later_page(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    comment.keep(hub(), 7, "other", key="other", attempt=(1, 1))
    (other,) = fake.remarks.values()
    fake.remarks = {number: other | {"id": number} for number in range(40)}
    comment.keep(hub(), 7, "first", key="merge", attempt=(1, 1))
    comment.keep(hub(), 7, "second", key="merge", attempt=(2, 1))
    assert len(fake.remarks) == 41


def test_a_lost_answer_makes_no_second_comment(fake, hub):
    fake.open_pull(7, head=HEAD, base=BASE)
    fake.faults.append(Fault("POST .*/comments", 502, after=True))
    comment.keep(hub(), 7, "once", key="merge", attempt=(1, 1))
    assert len(fake.remarks) == 1


def test_an_issue_lives_as_long_as_its_defect(fake, hub):
    keep = {"key": "history:runs/a", "title": "A run decayed"}
    assert issues.keep(hub(), **keep, body="fine", lasts=False) is None
    number = issues.keep(hub(), **keep, body="worse", lasts=True)
    assert issues.keep(hub(), **keep, body="worse still", lasts=True) == number
    assert issues.keep(hub(), **keep, body="over", lasts=False) == number
    assert fake.threads[number]["state"] == "closed"
    assert issues.keep(hub(), **keep, body="again", lasts=True) == number
    assert (fake.threads[number]["state"], len(fake.threads)) == ("open", 1)


def test_the_rest_is_posted_too(fake, hub):
    by_hand.upload_sarif(hub(), '{"version": "2.1.0"}', commit=HEAD, ref="refs/pull/7/head")
    by_hand.post_deployment(hub(), 3, "success", "d" * 200, environment_url="https://example.org", log_url=None)
    assert fake.sarifs[0]["sarif"] == {"version": "2.1.0"}
    assert fake.deployed[0]["environment_url"] == "https://example.org"


def test_an_app_answers_its_own_protection_rule(fake, waits):
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  (this test alone makes a key)
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = serialization.NoEncryption()
    key = made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    app = installed("octo/widget", app=12, installation=34, key=key, api=fake.root, patience=Patience(sleep=waits.append))
    by_hand.review(app, 56, environment="production", approved=False, comment="blocked")
    assert fake.reviews == [{"environment_name": "production", "state": "rejected", "comment": "blocked", "run": 56}]


def test_pull_requests_are_found_by_head_repository_and_commit(fake, hub):
    fake.open_pull(1, head=HEAD, base=BASE, head_repository="fork/widget")
    fake.open_pull(2, head=HEAD, base=BASE, base_ref="release", head_repository="fork-of-fork/widget")
    fake.open_pull(3, head="c" * 40, base=BASE, head_repository="fork-of-fork/widget")
    for number in range(10, 60):
        fake.open_pull(number, head="d" * 40, base=BASE)
    fake.open_pull(60, head=HEAD, base=BASE, head_repository="fork-of-fork/widget")
    found = pulls.of(hub(), repository="fork-of-fork/widget", sha=HEAD)
    assert [(pull.number, pull.base_ref) for pull in found] == [(2, "release"), (60, "main")]


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault("statuses", 502, times=6), [1, 2, 4, 8, 16, 32]),
        (Fault("statuses", 403, headers={"Retry-After": "7"}), [7]),
        (Fault("statuses", 429, headers={"Retry-After": "30"}, times=2), [30, 30]),
        (Fault("statuses", 403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1045"}), [45]),
    ],
)
def test_outages_and_limits_are_waited_out(fake, waits, fault, waited):
    fake.faults.append(fault)
    patient = Hub("octo/widget", TOKEN, api=fake.root, patience=Patience(sleep=waits.append, now=lambda: 1000.0))
    statuses.post(patient, HEAD, "success", "fine", context="auditor")
    assert waits == waited
    assert len(fake.statuses) == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("statuses", 502, times=99), "502"),
        (Fault("statuses", 403, headers={"Retry-After": "3600"}), "403"),
        (Fault("statuses", 422), "422"),
        (Fault("statuses", 401), "expired"),
    ],
)
def test_what_waiting_cannot_help_is_said(fake, hub, waits, fault, words):
    fake.faults.append(fault)
    with pytest.raises(NotPostedError) as caught:
        statuses.post(hub(), HEAD, "success", "fine", context="auditor")
    assert words in f"{caught.value} {caught.value.hint}"
    assert sum(waits) <= 180
    assert fake.statuses == []


def test_a_token_that_may_not_says_which_permission_is_wanted(fake, hub):
    fake.tokens["ghs_fork"] = {scope for scope in SCOPES if scope != "security-events"}
    fake.open_pull(7, head=HEAD, base=BASE)
    weak = hub("ghs_fork")
    for needs, call in (
        ("checks: write", lambda: checks.post(weak, run())),
        ("pull-requests: write", lambda: comment.keep(weak, 7, "x", key="merge", attempt=(1, 1))),
        ("statuses: write", lambda: statuses.post(weak, HEAD, "success", "x", context="auditor")),
        ("issues: write", lambda: issues.keep(weak, key="x", title="x", body="x", lasts=True)),
        ("security-events: write", lambda: by_hand.upload_sarif(weak, "{}", commit=HEAD, ref="refs/heads/main")),
        ("deployments: write", lambda: by_hand.post_deployment(weak, 1, "failure", "x")),
    ):
        with pytest.raises(NotPostedError) as caught:
            call()
        assert needs in str(caught.value.hint)


def test_a_server_that_is_not_there_is_said(waits):
    gone = Hub("octo/widget", TOKEN, api="http://127.0.0.1:9", patience=Patience(sleep=waits.append, budget=3))
    with pytest.raises(NotPostedError, match="cannot be reached"):
        statuses.post(gone, HEAD, "success", "fine", context="auditor")


@pytest.mark.parametrize("api", ["http://example.org", "https://user@example.org", "ftp://example.org", "", "https://"])
def test_a_token_is_sent_to_no_address_that_is_not_safe(api):
    with pytest.raises(UsageError):
        Hub("octo/widget", TOKEN, api=api)


@pytest.mark.parametrize("full", ["octo", "octo/widget/x", "../x", "octo/..", "o c/x"])
def test_a_repository_has_a_name_of_two_parts(full):
    with pytest.raises(UsageError):
        Hub(full, TOKEN)
