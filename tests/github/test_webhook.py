"""The webhook of an App that owns a deployment protection rule."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import io
import json
import subprocess

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fake.server import FULL, Fault

from auditor.errors import UsageError
from auditor.guard.server import SECRET, Serving, webhook

WORD = "a secret that nobody guesses"


@pytest.fixture(scope="session")
def key(tmp_path_factory):
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path_factory.mktemp("app") / "app.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.private_bytes(*form))
    return file


@pytest.fixture
def app(project, fake, key, tmp_path, monkeypatch):
    """A repository whose run is merged, its mirror, and the application."""
    repo = project()
    repo.checkout("main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "work")
    # The network's loss is not computed from predictions, so nobody can recompute it.
    require = {"metrics": ["consistent"], "weights": ["consistent"]}
    repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=0, require=require))
    repo.commit()
    mirror = tmp_path / "mirror.git"
    subprocess.run(["git", "clone", "-q", "--bare", repo.root, mirror], check=True)
    monkeypatch.setenv(SECRET, WORD)
    monkeypatch.setenv("GITHUB_API_URL", fake.root)
    return App(repo, fake, mirror, key)


class App:
    def __init__(self, repo, fake, mirror, key):
        self.repo, self.fake, self.said = repo, fake, []
        serving = Serving(repository=FULL, clone=mirror, artifacts=("out/model.npz",), app=12, key=key)
        self.application = webhook(serving, say=self.said.append, later=lambda work: work())

    def event(self, **changed):
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {
            "action": "requested",
            "environment": "production",
            "deployment_callback_url": f"{self.fake.root}/repos/{FULL}/actions/runs/56/deployment_protection_rule",
            "deployment": {"id": 3, "sha": self.repo.git("rev-parse", "HEAD"), "created_at": now},
            "repository": {"full_name": FULL},
            "installation": {"id": 34},
        } | changed

    def post(self, payload, *, secret=WORD, event="deployment_protection_rule", method="POST", length=None, **headers):
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        environ = {
            "REQUEST_METHOD": method,
            "CONTENT_LENGTH": str(len(body)) if length is None else length,
            "HTTP_X_GITHUB_EVENT": event,
            "HTTP_X_HUB_SIGNATURE_256": signature,
            "wsgi.input": io.BytesIO(body),
        }
        told = []
        b"".join(self.application(environ | headers, lambda status, _headers: told.append(status)))
        return int(told[0].split()[0])


def test_bytes_that_may_ship_are_approved_and_nothing_is_approved_twice(app):
    event = app.event()
    assert app.post(event) == 202
    assert [(each["state"], each["environment_name"], each["run"]) for each in app.fake.reviews] == [
        ("approved", "production", 56)
    ], app.said
    assert app.post(event, HTTP_X_GITHUB_DELIVERY="another") == 200
    assert len(app.fake.reviews) == 1


def test_bytes_that_no_run_wrote_are_rejected(app):
    app.repo.write("out/model.npz", b"other bytes")
    app.repo.commit()
    assert app.post(app.event()) == 202
    (review,) = app.fake.reviews
    assert review["state"] == "rejected", app.said


def test_a_policy_that_only_the_deployed_commit_has_does_not_count(app):
    app.repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=1))
    app.repo.commit()
    app.repo.branch("lax")
    app.repo.policy(lambda policy: policy["gates"]["deploy"].update(approvals=0))
    app.repo.commit()
    event = app.event()
    app.repo.checkout("main")
    assert app.post(event) == 202
    (review,) = app.fake.reviews
    assert review["state"] == "rejected", app.said


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"secret": "another secret, as long as it is"}, 401),
        ({"HTTP_X_HUB_SIGNATURE_256": ""}, 401),
        ({"HTTP_X_HUB_SIGNATURE_256": "sha256=ü"}, 401),
        ({"method": "GET"}, 405),
        ({"length": ""}, 413),
        ({"length": "-1"}, 413),
        ({"length": str(1 << 40)}, 413),
        ({"event": "push"}, 200),
    ],
)
def test_what_is_not_signed_or_not_for_us_changes_nothing(app, changed, code):
    assert app.post(app.event(), **changed) == code
    assert app.fake.reviews == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000])
def test_what_is_signed_and_no_event_is_refused(app, body):
    assert app.post(body) == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "completed"},
        {"deployment_callback_url": "https://example.org/repos/octo/widget/actions/runs/56/deployment_protection_rule"},
        {"repository": {"full_name": "octo/other"}},
        {"deployment": {"id": 3, "sha": "main", "created_at": "2026-01-01T00:00:00Z"}},
        {"deployment": {"id": 3, "sha": "a" * 40, "created_at": "2020-01-01T00:00:00Z"}},
        {"deployment": None},
        {"environment": ""},
        {"installation": {}},
    ],
)
def test_an_event_that_is_not_this_rule_s_is_not_answered(app, changed):
    app.post(app.event(**changed))
    assert app.fake.reviews == []
    assert app.said[0].startswith("not answered")


def test_a_commit_that_is_not_there_is_rejected(app):
    event = app.event()
    event["deployment"]["sha"] = "1" * 40
    app.post(event)
    assert app.fake.reviews[0]["state"] == "rejected"


def test_an_answer_that_github_did_not_take_may_be_asked_for_again(app):
    event = app.event()
    app.fake.faults.append(Fault("deployment_protection_rule", 422))
    app.post(event)
    assert app.fake.reviews == []
    assert app.post(event) == 202
    assert len(app.fake.reviews) == 1


def test_without_a_secret_it_does_not_start(app, monkeypatch, key, tmp_path):
    serving = Serving(repository=FULL, clone=app.repo.root, artifacts=("x",), app=12, key=key)
    monkeypatch.setenv(SECRET, "short")
    with pytest.raises(UsageError, match=SECRET):
        webhook(serving, say=print)
