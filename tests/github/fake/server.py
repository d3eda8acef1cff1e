"""A GitHub of our own on this machine: it remembers, fails on demand, and holds every call to GitHub's description.

Its shapes are GitHub's; what it does with them (limits, permissions, paging, appended annotations) is written from knowledge
of the documentation and was not compared with the real one.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fake.description import Description
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

OWNER, NAME = "octo", "widget"
FULL = f"{OWNER}/{NAME}"
TOKEN = "ghs_test"  # noqa: S105  (it opens nothing)
PREFIX = "/api/v3"
SCOPES = ("checks", "contents", "deployments", "issues", "pull-requests", "security-events", "statuses")

_HERE = "/repos/<owner>/<repo>"
_RULES = (
    ("GET", _HERE, "repository", None),
    ("GET", f"{_HERE}/pulls", "pulls", "pull-requests"),
    ("GET", f"{_HERE}/commits/<ref>", "commit", "contents"),
    ("GET", f"{_HERE}/commits/<ref>/check-runs", "check_runs", "checks"),
    ("POST", f"{_HERE}/git/refs", "create_ref", "contents:write"),
    ("POST", f"{_HERE}/check-runs", "create_check_run", "checks:write"),
    ("GET", f"{_HERE}/check-runs/<int:number>", "check_run", "checks"),
    ("PATCH", f"{_HERE}/check-runs/<int:number>", "update_check_run", "checks:write"),
    ("POST", f"{_HERE}/statuses/<sha>", "create_status", "statuses:write"),
    ("GET", f"{_HERE}/issues", "issues", "issues"),
    ("POST", f"{_HERE}/issues", "create_issue", "issues:write"),
    ("GET", f"{_HERE}/issues/<int:number>", "issue", "pull-requests"),
    ("PATCH", f"{_HERE}/issues/<int:number>", "update_issue", "issues:write"),
    ("GET", f"{_HERE}/issues/<int:number>/comments", "comments", "pull-requests"),
    ("POST", f"{_HERE}/issues/<int:number>/comments", "create_comment", "pull-requests:write"),
    ("PATCH", f"{_HERE}/issues/comments/<int:number>", "update_comment", "pull-requests:write"),
    ("DELETE", f"{_HERE}/issues/comments/<int:number>", "delete_comment", "pull-requests:write"),
    ("POST", f"{_HERE}/deployments/<int:number>/statuses", "deployment_status", "deployments:write"),
    ("POST", f"{_HERE}/code-scanning/sarifs", "sarif", "security-events:write"),
    ("POST", f"{_HERE}/actions/runs/<int:number>/deployment_protection_rule", "review", "deployments:write"),
    ("POST", "/app/installations/<int:number>/access_tokens", "installation_token", None),
)


@dataclass
class Fault:
    """What to answer instead, to the calls that ``match`` finds in ``METHOD path``; ``after`` does the work first."""

    match: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False


@dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    body: Any


class Refused(Exception):  # noqa: N818  (it is an answer, not a fault)
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Fake:
    """The state of one repository and the calls that were made."""

    def __init__(self, description: Description) -> None:
        self.description = description
        self.tokens: dict[str, set[str]] = {TOKEN: {f"{scope}:write" for scope in SCOPES}}
        self.violations: list[str] = []
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.runs: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.statuses: list[dict[str, Any]] = []
        self.threads: dict[int, dict[str, Any]] = {}
        self.remarks: dict[int, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.deployed: list[dict[str, Any]] = []
        self.sarifs: list[dict[str, Any]] = []
        self.reviews: list[dict[str, Any]] = []
        self.references: dict[str, str] = {}
        self.root = ""
        self._next = 100
        self._lock = threading.RLock()
        self._map = Map([Rule(prefix + path, methods=[method], endpoint=(name, scope))
                         for prefix in ("", PREFIX) for method, path, name, scope in _RULES])  # fmt: skip

    # What tests arrange.

    def open_pull(self, number: int, *, head: str, base: str, base_ref: str = "main", head_repository: str = FULL) -> None:
        """A pull request that is open."""
        self.thread(number)
        self.requests.append(
            {"number": number, "head": head, "base": base, "base_ref": base_ref, "head_repository": head_repository}
        )

    def thread(self, number: int, title: str = "A change", state: str = "open") -> dict[str, Any]:
        """An issue, or the conversation of a pull request."""
        address = f"{self.root}{_here()}/issues/{number}"
        made = self.description.sample(
            "issue",
            number=number,
            title=title,
            state=state,
            body="",
            url=address,
            labels=[],
            assignees=[],
            comments_url=f"{address}/comments",
            events_url=f"{address}/events",
            labels_url=f"{address}/labels{{/name}}",
            user=self._somebody("author"),
        )
        self.threads[number] = made
        return made

    # One request.

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer, as WSGI."""
        request = Request(environ)
        with self._lock:
            response = self._answer(request)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        where = f"{request.method} {request.path}"
        self.calls.append(Call(request.method, request.path.removeprefix(PREFIX), request.get_json(silent=True)))
        fault = next((f for f in self.faults if f.times and re.search(f.match, where)), None)
        if fault is not None:
            fault.times -= 1
            if not fault.after:
                return _refusal(fault.status, "on demand", fault.headers)
        wrong = self.description.request(request)
        if wrong is not None:
            self.violations.append(f"{where}: request: {wrong}")
            return _refusal(422, wrong)
        if request.headers.get("X-GitHub-Api-Version") != "2022-11-28":
            self.violations.append(f"{where}: request: no pinned X-GitHub-Api-Version")
        try:
            response = self._routed(request)
        except Refused as refused:
            return _refusal(refused.status, str(refused))
        except NotFound:
            return _refusal(404, "Not Found")
        except HTTPException as error:
            return _refusal(error.code or 500, str(error))
        except Exception:  # noqa: BLE001  (a fault of this helper must fail the test, not pass for an outage)
            self.violations.append(f"{where}: {traceback.format_exc()}")
            return _refusal(501, "the fake failed")
        wrong = self.description.answer(request, response) if response.status_code < 300 else None
        if wrong is not None:
            self.violations.append(f"{where}: answer {response.status_code}: {wrong}")
        if fault is not None:
            return _refusal(fault.status, "on demand, after the fact", fault.headers)
        return response

    def _routed(self, request: Request) -> Response:
        (name, scope), values = self._map.bind_to_environ(request.environ).match()
        self._allow(request, scope, name)
        if values.pop("owner", OWNER) != OWNER or values.pop("repo", NAME) != NAME:
            raise NotFound
        answer = getattr(self, f"_{name}")(request, **values)
        return answer if isinstance(answer, Response) else _json(answer)

    def _allow(self, request: Request, scope: str | None, name: str) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if name == "installation_token":
            if kind != "Bearer" or token.count(".") != 2:
                raise Refused(401, "A JSON web token could not be decoded")
            return
        granted = self.tokens.get(token)
        if granted is None:
            raise Refused(401, "Bad credentials")
        if scope is not None and scope not in granted and f"{scope}:write" not in granted:
            raise Refused(403, "Resource not accessible by integration")

    def _number(self) -> int:
        self._next += 1
        return self._next

    # The calls, one method each.

    def _repository(self, request: Request) -> Any:
        return self._about(FULL, "full-repository")

    def _about(self, full: str, schema: str) -> dict[str, Any]:
        made = self.description.sample(schema)
        address = f"{self.root}/repos/{full}"
        filled = {key: f"{address}/{key}" for key, value in made.items() if key.endswith("_url") and isinstance(value, str)}
        owner, _, name = full.partition("/")
        # What github3.py asks for although the description does not promise it.
        made |= {"has_downloads": True}
        return made | filled | {"full_name": full, "name": name, "url": address, "owner": self._somebody(owner)}

    def _somebody(self, login: str) -> dict[str, Any]:
        address = f"https://example.org/users/{login.replace('[', '%5B').replace(']', '%5D')}"
        made = self.description.sample("simple-user")
        addresses = {key: address for key in made if key == "url" or key.endswith("_url")}
        return made | addresses | {"login": login, "type": "Bot"}

    def _pulls(self, request: Request) -> Any:
        state = request.args.get("state", "open")
        chosen = [pull for pull in self.requests if state in {"all", pull.get("state", "open")}]
        return self._paged(request, [self._pull(pull) for pull in chosen])

    def _pull(self, pull: dict[str, Any]) -> dict[str, Any]:
        address = f"{self.root}{_here()}/pulls/{pull['number']}"
        made = self.description.sample("pull-request-simple")
        filled = {key: f"{address}/{key}" for key, value in made.items() if key.endswith("_url") and isinstance(value, str)}
        sides = {}
        for side, sha, ref, full in (
            ("head", pull["head"], "change", pull["head_repository"]),
            ("base", pull["base"], pull["base_ref"], FULL),
        ):
            repo = self._about(full, "repository")
            sides[side] = {"label": f"x:{ref}", "ref": ref, "sha": sha, "repo": repo, "user": repo["owner"]}
        links = {key: {"href": address} for key in made["_links"]}
        own = {
            "number": pull["number"],
            "url": address,
            "state": "open",
            "body_html": "",
            "body_text": "",
            "_links": links,
            "active_lock_reason": None,
        }
        return made | filled | own | sides | {"user": self._somebody("author"), "assignees": []}

    def _commit(self, request: Request, ref: str) -> Any:
        if not re.fullmatch("[0-9a-f]{40}", ref):
            raise Refused(422, f"No commit found for SHA: {ref}")
        address = f"{self.root}{_here()}/commits/{ref}"
        made = self.description.sample("commit")
        inner = self.description.sample("commit")["commit"]
        who = {"name": "x", "email": "x@example.org", "date": "2026-01-01T00:00:00Z"}
        inner |= {"author": who, "committer": who, "url": address, "tree": {"sha": ref, "url": address}, "message": "x"}
        addresses = dict.fromkeys(("url", "comments_url", "html_url"), address)
        empty = {
            "files": [],
            "stats": {"additions": 0, "deletions": 0, "total": 0},
            "author": self._somebody("x"),
            "committer": self._somebody("x"),
        }
        return made | addresses | empty | {"sha": ref, "commit": inner}

    def _check_runs(self, request: Request, ref: str) -> Any:
        chosen = [run for run in self.runs.values() if run["head_sha"] == ref]
        return self._paged(request, chosen[::-1], "check_runs")

    def _create_check_run(self, request: Request) -> Any:
        body = request.get_json()
        number = self._number()
        address = f"{self.root}{_here()}/check-runs/{number}"
        output = {"title": None, "summary": None, "text": None, "annotations_count": 0}
        output["annotations_url"] = f"{address}/annotations"
        run = self.description.sample(
            "check-run", id=number, url=address, html_url=address, details_url=None, external_id=None, conclusion=None,
            completed_at=None, started_at=None, status="queued", output=output, pull_requests=[], check_suite={"id": 7},
            app=self._app(),
        )  # fmt: skip
        self.annotations[number] = []
        self.runs[number] = run
        try:
            self._fill(run, body)
        except Refused:
            del self.runs[number]
            raise
        return _json(run, 201)

    def _app(self) -> dict[str, Any]:
        address = "https://example.org/github-actions"
        named = {"id": 15368, "slug": "github-actions", "name": "GitHub Actions", "owner": self._somebody("github")}
        return (
            self.description.sample(
                "nullable-integration", external_url=address, html_url=address, permissions={}, events=[]
            )
            | named
        )

    def _fill(self, run: dict[str, Any], body: dict[str, Any]) -> None:
        output = body.get("output")
        body = {key: value for key, value in body.items() if key != "output"}
        if body.get("status") == "completed" and not body.get("conclusion"):
            raise Refused(422, "a completed check run needs a conclusion")
        if output is not None:
            added = output.get("annotations", [])
            for each in added:
                if len(each["message"].encode()) > 65536 or len(each.get("title", "")) > 255:
                    raise Refused(422, "an annotation is too long")
                if each["start_line"] < 1 or each["end_line"] < each["start_line"]:
                    raise Refused(422, "an annotation stands nowhere")
            self.annotations[run["id"]] += added
            run["output"] |= {key: value for key, value in output.items() if key in {"title", "summary", "text"}}
            run["output"]["annotations_count"] = len(self.annotations[run["id"]])
        run |= body
        if body.get("conclusion"):
            run |= {"status": "completed", "completed_at": body.get("completed_at", "2026-01-01T00:00:01Z")}

    def _check_run(self, request: Request, number: int) -> Any:
        return self._found(self.runs, number)

    def _update_check_run(self, request: Request, number: int) -> Any:
        run = self._found(self.runs, number)
        self._fill(run, request.get_json())
        return run

    def _found(self, among: dict[int, dict[str, Any]], number: int) -> dict[str, Any]:
        if number not in among:
            raise NotFound
        return among[number]

    def _create_ref(self, request: Request) -> Any:
        body = request.get_json()
        if not re.fullmatch(r"refs/[^/]+/.+", body["ref"]):
            raise Refused(422, "Reference name must start with 'refs' and have at least two slashes")
        if body["ref"] in self.references:
            raise Refused(422, "Reference already exists")
        self.references[body["ref"]] = body["sha"]
        address = f"{self.root}{_here()}/git"
        leads = {"type": "commit", "sha": body["sha"], "url": f"{address}/commits/{body['sha']}"}
        made = self.description.sample("git-ref", ref=body["ref"], url=f"{address}/{body['ref']}", object=leads)
        return _json(made, 201)

    def _create_status(self, request: Request, sha: str) -> Any:
        body = request.get_json()
        if len(body.get("description") or "") > 140:
            raise Refused(422, "description is too long (maximum is 140 characters)")
        made = self.description.sample("status", **{"target_url": None, "description": None} | body)
        made |= {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
        made |= {"url": f"{self.root}{_here()}/statuses/{sha}", "creator": self._somebody("github-actions[bot]")}
        self.statuses.append(body | {"sha": sha})
        return _json(made, 201)

    def _issues(self, request: Request) -> Any:
        pulls = {pull["number"] for pull in self.requests}
        wanted = set(filter(None, request.args.get("labels", "").split(",")))
        state = request.args.get("state", "open")
        chosen = [
            issue for number, issue in self.threads.items()
            if number not in pulls and state in {"all", issue["state"]}
            and wanted <= {label["name"] for label in issue["labels"]}
        ]  # fmt: skip
        return self._paged(request, chosen)

    def _create_issue(self, request: Request) -> Any:
        body = request.get_json()
        if len(body.get("title", "")) > 256 or len(body.get("body") or "") > 65536:
            raise Refused(422, "Validation Failed: too long")
        issue = self.thread(self._number(), body["title"])
        issue["body"] = body.get("body", "")
        issue["labels"] = [{"id": 1, "node_id": "x", "url": "https://example.org", "name": name, "description": None,
                            "color": "ededed", "default": False} for name in body.get("labels", [])]  # fmt: skip
        return _json(issue, 201)

    def _issue(self, request: Request, number: int) -> Any:
        return self._found(self.threads, number) | {"body_html": "", "body_text": "", "closed_by": None}

    def _update_issue(self, request: Request, number: int) -> Any:
        issue = self._found(self.threads, number)
        issue |= {key: value for key, value in request.get_json().items() if key in {"title", "body", "state"}}
        return issue

    def _comments(self, request: Request, number: int) -> Any:
        self._found(self.threads, number)
        chosen = [remark for remark in self.remarks.values() if remark["issue_url"].endswith(f"/{number}")]
        return self._paged(request, chosen)

    def _create_comment(self, request: Request, number: int) -> Any:
        self._found(self.threads, number)
        identity = self._number()
        address = f"{self.root}{_here()}/issues"
        made = self.description.sample(
            "issue-comment", id=identity, url=f"{address}/comments/{identity}", html_url=f"{address}/{number}#{identity}",
            issue_url=f"{address}/{number}", user=self._somebody("github-actions[bot]"), body_html="", body_text="",
            author_association="NONE",
            body=_comment(request),
        )  # fmt: skip
        self.remarks[identity] = made
        return _json(made, 201)

    def _update_comment(self, request: Request, number: int) -> Any:
        remark = self._found(self.remarks, number)
        remark["body"] = _comment(request)
        return remark

    def _delete_comment(self, request: Request, number: int) -> Any:
        self._found(self.remarks, number)
        del self.remarks[number]
        return Response(status=204)

    def _deployment_status(self, request: Request, number: int) -> Any:
        body = request.get_json()
        if len(body.get("description", "")) > 140:
            raise Refused(422, "description is too long")
        address = f"{self.root}{_here()}/deployments/{number}"
        self.deployed.append(body | {"deployment": number})
        made = self.description.sample(
            "deployment-status", state=body["state"], deployment_url=address, repository_url=f"{self.root}{_here()}",
            url=f"{address}/statuses/1", description=body.get("description", ""), creator=None,
        )  # fmt: skip
        return _json(made, 201)

    def _sarif(self, request: Request) -> Any:
        body = request.get_json()
        try:
            text = json.loads(gzip.decompress(base64.b64decode(body["sarif"], validate=True)))
        except (OSError, ValueError) as error:
            raise Refused(400, f"the sarif field is no gzipped base64: {error}") from None
        self.sarifs.append(body | {"sarif": text})
        identity = "47177e22-5596-11eb-80a1-c1e54ef945c6"
        return _json({"id": identity, "url": f"{self.root}{_here()}/code-scanning/sarifs/{identity}"}, 202)

    def _review(self, request: Request, number: int) -> Any:
        self.reviews.append(request.get_json() | {"run": number})
        return Response(status=204)

    def _installation_token(self, request: Request, number: int) -> Any:
        self.tokens["ghs_app"] = {"deployments:write"}
        made = self.description.sample("installation-token", token="ghs_app", expires_at="2099-01-01T00:00:00Z")  # noqa: S106
        return _json(made, 201)

    def _paged(self, request: Request, items: list[dict[str, Any]], key: str | None = None) -> Response:
        size, page = int(request.args.get("per_page", 30)), int(request.args.get("page", 1))
        part = items[(page - 1) * size : page * size]
        response = _json({"total_count": len(items), key: part} if key else part)
        if page * size < len(items):
            here = f"{self.root}{request.path.removeprefix(PREFIX)}"
            response.headers["Link"] = f'<{here}?per_page={size}&page={page + 1}>; rel="next"'
        return response


def _here() -> str:
    return f"/repos/{FULL}"


def _comment(request: Request) -> str:
    body = request.get_json()["body"]
    if len(body) > 65536:
        raise Refused(422, "Validation Failed: body is too long (maximum is 65536 characters)")
    return body


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status=status, content_type="application/json")


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    response = _json({"message": message, "documentation_url": "https://example.org", "status": str(status)}, status)
    response.headers.update(headers or {})
    return response


class _Quiet(WSGIRequestHandler):
    def log(self, *_arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def served(description: Description) -> Iterator[Fake]:
    """A GitHub that answers at ``fake.root`` until the end of the block."""
    fake = Fake(description)
    server = make_server("127.0.0.1", 0, fake, threaded=True, request_handler=_Quiet)
    fake.root = f"http://127.0.0.1:{server.server_port}{PREFIX}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
