"""One step of the action, from its variables to its exit code, with whatever a runner or a stranger may hand it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake.server import SCOPES, TOKEN, Fault
from steps import Step, pull_request
from workbench import wrong_metric

from auditor.guard.runner import fenced

POST = "check status comment code-scanning"


@pytest.fixture
def nothing(project):
    """A pull request that touches nothing covered: the cheapest one there is."""
    repo = project(stage="started")
    repo.write("notes.txt", "nothing that anybody judges")
    repo.commit()
    return repo


def test_a_pull_request_that_touches_nothing_is_green(nothing, step):
    done = step(nothing, pull_request(nothing))
    assert done.code == 0, done.log
    assert "nothing to judge" in done.log
    assert "verdict<<" in done.output
    assert "\nopen\n" in done.output


def test_a_wrong_metric_is_blocked_on_its_line_and_says_so_everywhere(project, step, fake):
    repo = project()
    repo.edit(wrong_metric)
    repo.commit()
    event = pull_request(repo)
    fake.open_pull(7, head=event["pull_request"]["head"]["sha"], base=event["pull_request"]["base"]["sha"])
    done = step(repo, event, fake=fake, post=POST, token=TOKEN)
    assert done.code == 1, done.log
    assert "metrics/wrong-metric" in done.output
    (check,) = fake.runs.values()
    assert check["conclusion"] == "failure"
    marked = [each for each in fake.annotations[check["id"]] if each["title"].startswith("metrics/wrong-metric")]
    line = repo.read(repo.manifest).splitlines()[marked[0]["start_line"] - 1]
    assert (marked[0]["path"], marked[0]["annotation_level"]) == (repo.manifest, "failure")
    assert "0.999" in line or "accuracy" in line
    assert "wrong" in done.summary
    assert {path.name for path in (done.room / "auditor-report").iterdir()} >= {"report.html", "report.junit.xml"}


def test_a_token_that_may_only_read_costs_nothing_but_the_posts(nothing, step, fake):
    fake.tokens = {"ghs_read": set(SCOPES)}
    event = pull_request(nothing)
    fake.open_pull(7, head=event["pull_request"]["head"]["sha"], base=event["pull_request"]["base"]["sha"])
    done = step(nothing, event, fake=fake, post=POST, token="ghs_read")  # noqa: S106
    assert done.code == 0, done.log
    for what in ("check run", "commit status", "comment", "code scanning"):
        assert f"not posted: {what}: GitHub answered 403" in done.log
        assert f"not posted: {what}" in done.summary
    assert "needs the permission checks: write" in done.log


@pytest.mark.parametrize("status", [401, 422])
def test_a_refusal_half_way_leaves_the_verdict_alone(nothing, step, fake, status):
    event = pull_request(nothing)
    fake.open_pull(7, head=event["pull_request"]["head"]["sha"], base=event["pull_request"]["base"]["sha"])
    fake.faults.append(Fault("POST .*/(comments|sarifs)", status, times=99))
    done = step(nothing, event, fake=fake, post=POST, token=TOKEN)
    assert done.code == 0
    assert done.log.count("not posted") == 2


def test_a_token_is_masked_and_never_printed(nothing, step, fake):
    done = step(nothing, pull_request(nothing), fake=fake, post="check", token=TOKEN)
    assert f"::add-mask::{TOKEN}" in done.log
    assert TOKEN not in done.log.replace(f"::add-mask::{TOKEN}", "")
    assert TOKEN not in done.output + done.summary


@pytest.mark.parametrize(
    "payload",
    [None, "", '{"pull_request": {"he', "[" * 100_000, "\0"],
    ids=["missing", "empty", "truncated", "deep", "no JSON"],
)
def test_an_event_that_cannot_be_read_is_undecided(nothing, step, payload):
    assert step(nothing, payload).code == 4


def test_a_shallow_clone_is_completed_before_anything_is_undecided(nothing, step, tmp_path):
    event = pull_request(nothing)
    shallow = nothing.clone(tmp_path / "shallow", "--depth", "1")
    assert shallow.git("rev-parse", "--is-shallow-repository") == "true"
    done = step(shallow, event)
    assert (done.code, done.given("verdict")) == (0, "open"), done.log


def test_a_base_that_is_gone_is_undecided(nothing, step):
    event = pull_request(nothing)
    event["pull_request"]["base"]["sha"] = "1" * 40
    done = step(nothing, event)
    assert (done.code, "\nundecided\n" in done.output) == (4, True), done.log


@pytest.mark.parametrize(
    "inputs",
    [
        {"part": "everything"},
        {"gate": "merge; rm -rf /"},
        {"post": "check, tweet", "token": TOKEN},
        {"post": "check"},
        {"base": "--upload-pack=x"},
        {"base": "main..work"},
        {"head": "$(id)"},
        {"head": "a\nb"},
        {"manifests": "--output=x"},
    ],
)
def test_inputs_that_are_not_allowed_are_wrong_usage(nothing, step, inputs):
    assert step(nothing, pull_request(nothing), **inputs).code == 2


def test_outside_of_a_runner_it_is_wrong_usage(repository):
    assert "GitHub Actions" in repository.auditor("github", "step").expect(2).stderr


HOSTILE = [
    "::error file=x,line=1::pwned",
    "##[add-path]/tmp/evil",
    "::stop-commands::x\n::set-output name=verdict::open",
    "%0A::set-env name=PATH::/tmp",
    "\x1b[31mred\x1b]0;title\x07",
    "](javascript:alert(1)) ![x](http://example.org/x.png) @octo #1 <script>alert(1)</script>",
    "$(touch pwned) `touch pwned`",
]


def test_no_word_of_a_run_is_obeyed_or_read_as_markup(project, step, fake):
    repo = project()
    text = "\n".join(HOSTILE)

    def poison(claims):
        claims["run"]["purpose"] = text
        for metric in claims["metrics"]:
            metric["value"] = 0.123456
        claims["metrics"][0]["name"] = text
        claims["data"][0]["name"] = text
        claims["code"]["entrypoint"] += [text]

    repo.edit(poison)
    repo.git("mv", repo.manifest, "runs/a](x) $(id) `id`.run.yaml")
    repo.write("runs/::error::x\n::warning::y.run.yaml", text)
    repo.commit()
    event = pull_request(repo)
    event["pull_request"]["title"] = text
    event["pull_request"]["head"]["ref"] = "$(touch pwned)`x`\n::error::"
    fake.open_pull(7, head=event["pull_request"]["head"]["sha"], base=event["pull_request"]["base"]["sha"])
    done = step(repo, event, fake=fake, post=POST, token=TOKEN)
    assert done.code == 1, done.log
    assert done.obeyed == [f"::add-mask::{TOKEN}"]
    assert "\x1b" not in done.log
    (comment,) = fake.remarks.values()
    for shown in (done.summary, comment["body"], fake.runs[min(fake.runs)]["output"]["summary"]):
        for sign in ("](", "![", "<script", "@octo", "\x1b"):
            assert sign not in shown, shown
    for each in fake.annotations[min(fake.runs)]:
        assert "\n" not in each["message"] + each["title"]
        assert not each["message"].startswith("::")
    assert not (repo.root / "pwned").exists()


def test_nothing_of_the_checkout_is_imported(nothing, step):
    for name in ("sitecustomize.py", "click.py", "auditor/__init__.py", "usercustomize.py", "conftest.py", "msgspec.py"):
        nothing.write(name, "open('pwned', 'w').write('x'); raise SystemExit(0)")
    nothing.commit()
    done = step(nothing, pull_request(nothing), runner={"PYTHONPATH": str(nothing.root)})
    assert not (nothing.root / "pwned").exists()
    assert "nothing to judge" in done.log


@pytest.fixture
def shipping(project):
    """A repository whose run is merged, and may be deployed without anybody's approval."""
    repo = project()
    repo.checkout("main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "work")
    # The network's loss is not computed from predictions, so nobody can recompute it.
    require = {"metrics": ["consistent"], "weights": ["consistent"]}
    repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=0, require=require))
    repo.commit()
    return repo


@pytest.mark.parametrize(("content", "code", "state"), [(None, 0, "success"), (b"other bytes", 3, "failure")])
def test_a_deployment_learns_what_the_gate_says_of_its_bytes(shipping, step, fake, *, content, code, state):
    if content is not None:
        shipping.write("out/model.npz", content)
    event = {"deployment": {"id": 3, "sha": shipping.git("rev-parse", "HEAD")}}
    given = {"gate": "deploy", "artifacts": "out/model.npz", "post": "deployment", "token": TOKEN}
    done = step(shipping, event, fake=fake, **given)
    assert (done.code, [(one["deployment"], one["state"]) for one in fake.deployed]) == (code, [(3, state)]), done.log
    assert done.given("verdict") == ("open" if code == 0 else "undecided")


def test_an_issue_is_open_as_long_as_a_run_of_the_past_is_lost(shipping, step, fake):
    def audited():
        done = step(shipping, {}, fake=fake, gate="history", post="issues", token=TOKEN)
        assert (done.code, done.given("verdict")) == (0, ""), done.log
        return [(issue["state"], issue["title"]) for issue in fake.threads.values()]

    shipping.write("runs/loose.run.yaml", shipping.read(shipping.manifest))
    shipping.edit(lambda claims: claims["run"].update(id="loose"), "runs/loose.run.yaml")
    assert audited() == []
    loose = shipping.read("runs/loose.run.yaml")
    (shipping.root / "runs/loose.run.yaml").unlink()
    ((state, title),) = audited()
    assert (state, title.startswith("A run is blocked")) == ("open", True)
    shipping.write("runs/loose.run.yaml", loose)
    ((state, _),) = audited()
    assert state == "closed"


def test_a_fence_keeps_whatever_is_printed_inside_from_being_obeyed(capfd):
    with fenced():
        print("::error::x\n::stop-commands::y\n::y::\n::set-output name=verdict::open")  # noqa: T201
    done = Step(0, capfd.readouterr().out, "", "", Path())
    assert done.obeyed == []
