"""What black-box tests work with: real git repositories, honest training projects, and the command line under test."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import yaml

HERE = Path(__file__).resolve().parent
PROJECTS = HERE / "projects"
SCHEMAS = HERE.parent / "schemas"
OUTCOMES = ("passed", "failed", "inconclusive", "not-applicable", "crashed")
VERDICT_EXITS = {"open": 0, "blocked": 1, "undecided": 4}
PASSED_ON = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT")


def environment(home: Path) -> dict[str, str]:
    """A person's plain shell on a machine of their own: no CI, no colours asked for, no foreign repository."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    who = {"NAME": "The Author", "EMAIL": "author@example.org"}
    identity = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in who.items()}
    interpreter = str(Path(sys.executable).parent)
    return kept | identity | {
        "PATH": os.pathsep.join([interpreter, kept.get("PATH", os.defpath)]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip


@dataclass(frozen=True)
class Project:
    """An honest training project below tests/projects, and how its author records a run of it."""

    name: str
    dataset: str
    test_rows: int
    weights: str = "out/model.npz"
    config: tuple[str, ...] = ("conf/base.yaml",)
    smoke: str | None = None
    evaluate: str | None = None
    folder: str | None = None
    checkpoints: str | None = None
    trace: str | None = None

    @property
    def record(self) -> tuple[str, ...]:
        """Arguments of ``auditor record`` up to the command."""
        layers = [part for path in self.config for part in ("--config", path)]
        data = ["--data", "train=data/train.csv", "--data", "test=data/test.csv"]
        outputs = ["--out", self.weights, "--out", "out/predictions.csv", "--metrics", "out/metrics.json"]
        smoke = ["--smoke", self.smoke] if self.smoke is not None else []
        evaluate = ["--evaluate", self.evaluate] if self.evaluate is not None else []
        checkpoints = ["--checkpoints", self.checkpoints] if self.checkpoints is not None else []
        trace = ["--trace", self.trace] if self.trace is not None else []
        return ("--name", self.name, *layers, *data, *outputs, *checkpoints, *smoke, *evaluate, *trace)


CATALOGUE = {
    project.name: project
    for project in (
        Project("forest", "breast_cancer", 120),
        Project("logistic", "breast_cancer", 120),
        Project("network", "digits", 150),
        Project("pickled", "iris", 50, weights="out/model.joblib"),
        Project("layered", "iris", 50, config=("conf/base.yaml", "conf/large.yaml")),
        Project("fleet", "digits", 150, smoke="steps=2"),
        Project("loop", "digits", 150, trace="out/trace.jsonl"),
        Project("neural", "digits", 150),
        Project("boosted", "breast_cancer", 120, weights="out/model.txt"),
        Project("evaluated", "digits", 150, smoke="steps=2", evaluate="python evaluate.py", folder="fleet"),
        Project("stepwise", "digits", 150, checkpoints="out/checkpoints"),
        Project("torch", "digits", 150, evaluate="python evaluate.py", checkpoints="out/checkpoints"),
        Project(
            "lightgbm",
            "breast_cancer",
            120,
            weights="out/model.txt",
            evaluate="python evaluate.py",
            trace="out/trace.jsonl",
        ),
    )
}


@cache
def tables(dataset: str, test_rows: int) -> tuple[str, str]:
    """Train and test table (id, features, label) as CSV: disjoint rows, no two alike, always the same."""
    from sklearn import datasets  # noqa: PLC0415  (a second that most tests need not spend)

    bunch = getattr(datasets, f"load_{dataset}")()
    rows = np.column_stack([bunch.data, bunch.target])
    _, first = np.unique(rows[:, :-1], axis=0, return_index=True)
    order = np.random.default_rng(20240501).permutation(np.sort(first))[:650]
    header = ["id", *(f"x{i}" for i in range(rows.shape[1] - 1)), "label"]

    def text(chosen: np.ndarray) -> str:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([int(i), *(f"{v:g}" for v in rows[i, :-1]), int(rows[i, -1])] for i in chosen)
        return stream.getvalue()

    return text(order[test_rows:]), text(order[:test_rows])


@dataclass(frozen=True)
class Answer:
    """What one call of the command line came to."""

    arguments: tuple[str, ...]
    exit: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"auditor {' '.join(self.arguments)}\nexit {self.exit}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    def expect(self, *codes: int) -> Answer:
        """This answer, when it ended with one of ``codes``."""
        assert self.exit in codes, f"expected exit {' or '.join(map(str, codes))}\n{self}"
        return self

    def json(self) -> dict[str, Any]:
        """The report on stdout, after it was held against the schema and its own arithmetic."""
        try:
            report = json.loads(self.stdout)
        except json.JSONDecodeError as error:
            raise AssertionError(f"stdout is not one JSON report: {error}\n{self}") from None
        verify(report, self)
        return report


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """The validator of ``schemas/<kind>.v1.schema.json``."""
    schema = json.loads((SCHEMAS / f"{kind}.v1.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def verify(report: dict[str, Any], answer: Answer) -> None:
    """Hold a report against its schema and against what must be true of every report."""
    errors = [f"{e.json_path}: {e.message}" for e in validator("report").iter_errors(report)]
    assert not errors, "\n".join([*errors, str(answer)])
    # 1. The exit code in the report is the one of the process.
    assert report["exit"] == answer.exit, str(answer)
    # 2. The counts are those of what is listed, every outcome named.
    listed = results(report)
    tally = Counter(result["outcome"] for result in listed)
    assert report["counts"] == {outcome: tally[outcome] for outcome in OUTCOMES}, str(answer)
    # 3. Every check answers once for each run.
    for run in report["runs"]:
        names = Counter(result["check"] for result in run["results"])
        assert max(names.values(), default=0) <= 1, f"{names.most_common(3)}\n{answer}"
        if run["identity"] == "bytes":
            assert run["id"] is None
            assert names == {"schema/unreadable-manifest": 1}
    # 4. "No answer" has a reason, and a failure says what is wrong and what to do.
    for result in listed:
        if result["outcome"] in {"inconclusive", "not-applicable", "crashed"}:
            assert result["reason"], result
        if result["outcome"] == "failed":
            assert result["findings"], result
        for finding in result["findings"]:
            assert finding["message"].strip(), result
            assert finding["fix"].strip(), result
            assert finding["pointer"] == "" or finding["pointer"].startswith("/"), result


def results(report: dict[str, Any]) -> list[dict[str, Any]]:
    """All results of a report, of runs and of no run."""
    return [*report["results"], *(result for run in report["runs"] for result in run["results"])]


def checks(report: dict[str, Any], *outcomes: str) -> set[str]:
    """The ids of the checks that came to one of ``outcomes``."""
    return {result["check"] for result in results(report) if result["outcome"] in outcomes}


def result(report: dict[str, Any], check: str) -> dict[str, Any]:
    """The one result of ``check``."""
    found = [r for r in results(report) if r["check"] == check]
    assert len(found) == 1, f"{check}: {len(found)} results, {sorted({r['check'] for r in results(report)})}"
    return found[0]


def wrong_metric(claims: dict[str, Any]) -> None:
    """Claim another accuracy than the predictions show."""
    metric = next(metric for metric in claims["metrics"] if metric["name"] == "accuracy")
    metric["value"] = 0.999


def no_reproduction(claims: dict[str, Any]) -> None:
    """Take away what a verifier could re-execute."""
    claims["reproductions"] = []


def forgiving(policy: dict[str, Any]) -> None:
    """Let a wrong metric pass as a remark."""
    lighter = ("metrics/wrong-metric", "metrics/contradicting-file", "reproduction/diverged-reproduction")
    policy["severities"] = dict.fromkeys(lighter, "minor")


def trusting(policy: dict[str, Any]) -> None:
    """Let a run pass that nobody can re-execute."""
    unanswered = ("reproduction/unexercised-run", "randomness/dead-seed")
    policy["severities"] = dict.fromkeys(unanswered, "minor")


def unchanged(_value: dict[str, Any]) -> None:
    """Change nothing."""


class _Loader(yaml.SafeLoader):
    """Reads what a manifest says; dates stay text."""


_Loader.yaml_implicit_resolvers = {
    sign: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader without dates)


@dataclass
class Repo:
    """A git repository in a temporary directory, with the auditor at hand."""

    root: Path
    env: dict[str, str]
    project: Project | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def auditor(self, *arguments: str, cwd: Path | None = None, timeout: float = 240) -> Answer:
        """Run the command line here. No command but the recorded one may ever show a traceback."""
        done = subprocess.run(
            [sys.executable, "-m", "auditor", *arguments],
            cwd=cwd or self.root,
            env=self.env | self.extra,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        answer = Answer(arguments, done.returncode, done.stdout, done.stderr)
        if arguments[:1] != ("record",):
            assert "Traceback (most recent call last)" not in done.stderr, str(answer)
        assert done.returncode != 70, str(answer)
        return answer

    def gate(self, *arguments: str, base: str | None = "main") -> Answer:
        """``auditor gate merge`` with a JSON report."""
        against = () if base is None else ("--base", base)
        return self.auditor("gate", "merge", *arguments, *against, "--format", "json")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=self.env, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, f"git {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def init(self) -> Repo:
        self.root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "gc.auto", "0")
        return self

    def commit(self, message: str = "Change something") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        self.git("checkout", "--quiet", "-b", name)

    def checkout(self, ref: str) -> None:
        self.git("checkout", "--quiet", ref)

    def clone(self, to: Path, *options: str) -> Repo:
        """A fresh clone of the checked-out branch in the directory ``to``."""
        self.git("clone", "--quiet", *options, self.root.as_uri(), str(to))
        return Repo(to, self.env, self.project)

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        return target

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace ``old``, which must be there, in the file at ``path``."""
        text = self.read(path)
        assert old in text, f"{path} lacks {old!r}"
        self.write(path, text.replace(old, new))

    def record(self, *options: str, command: tuple[str, ...] = ("python", "train.py")) -> str:
        """Record a run of the project the way its author would; the path of the manifest."""
        assert self.project is not None
        answer = self.auditor("record", *self.project.record, *options, "--", *command).expect(0)
        path = answer.stderr.strip().splitlines()[-1].strip()
        assert (self.root / path).is_file(), str(answer)
        return path

    def manifests(self) -> list[str]:
        found = (self.root / "runs").rglob("*.run.*")
        return sorted(path.relative_to(self.root).as_posix() for path in found)

    @property
    def manifest(self) -> str:
        """The path of the only manifest."""
        (path,) = self.manifests()
        return path

    def claims(self, path: str | None = None) -> dict[str, Any]:
        """What the manifest says."""
        return load_yaml(self.read(path or self.manifest))

    def edit(self, change: Callable[[dict[str, Any]], object], path: str | None = None) -> None:
        """Change what the manifest says."""
        path = path or self.manifest
        value = self.claims(path)
        change(value)
        self.write(path, yaml.safe_dump(value, sort_keys=False, allow_unicode=True))

    def policy(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the policy in the working tree."""
        value = load_yaml(self.read("auditor.yaml")) or {}
        change(value)
        self.write("auditor.yaml", yaml.safe_dump(value, sort_keys=False))

    def copy(self, to: Path) -> Repo:
        shutil.copytree(self.root, to, symlinks=True)
        twin = Repo(to, self.env, self.project)
        twin.git("status", "--short")  # the copied index learns the new files' times
        return twin


def started(root: Path, env: dict[str, str], name: str, policy: Callable[[dict[str, Any]], object] | None = None) -> Repo:
    """A repository with the project and a policy on main, and the branch ``work`` checked out; nothing recorded."""
    project = CATALOGUE[name]
    repo = Repo(root, env, project).init()
    shutil.copytree(PROJECTS / (project.folder or name), root, dirs_exist_ok=True)
    if project.checkpoints is not None:
        shutil.copyfile(
            HERE.parent / "auditor/steps.py", root / "steps.py"
        )  # a project keeps a copy, and needs no auditor to run
    train, test = tables(project.dataset, project.test_rows)
    repo.write("data/train.csv", train)
    repo.write("data/test.csv", test)
    repo.auditor("init").expect(0)
    if policy is not None:
        repo.policy(policy)
    repo.commit("Start the project")
    repo.branch("work")
    return repo


def recorded(repo: Repo) -> Repo:
    """The same with a run recorded and committed on the branch ``work``."""
    repo.record()
    repo.commit("Record a run")
    return repo


def merged(repo: Repo) -> Repo:
    """The same with that run merged into main, where it is the reference, and the new branch ``next`` checked out."""
    repo.checkout("main")
    repo.git("merge", "--quiet", "--no-ff", "--message", "Merge the run", "work")
    repo.policy(lambda policy: policy.update(references=[repo.manifest]))
    repo.commit("Make the run the reference")
    repo.branch("next")
    return repo


def challenged(repo: Repo) -> Repo:
    """The same, recorded under a policy of main that has segments of the run replayed instead of a smoke run."""

    def replaying(policy: dict[str, Any]) -> None:
        policy["gates"]["merge"]["tiers"] = ["digests", "recompute", "segment"]
        policy["segments"] = {"draw": 2, "top": 1, "bounds": {"learning_rate": {"minimum": 0.01}}}

    repo.checkout("main")
    repo.policy(replaying)
    repo.commit("Have segments replayed")
    repo.git("branch", "--delete", "--force", "--quiet", "work")
    repo.branch("work")
    return recorded(repo)


def recommit(repo: Repo, change: Callable[[Path], object]) -> None:
    """Do something to the checkpoints and commit the run to the outcome, as a forger who knows the format would."""
    from auditor.record.checkpoints import commit  # noqa: PLC0415  (only forgers need it)

    folder = "out/checkpoints"
    change(repo.root / folder)
    committed, problem = commit(repo.root, folder)
    assert committed is not None, problem
    path = repo.claims()["checkpoints"]["leaves"]["path"]
    repo.write(path, committed.text)

    def claim(claims: dict[str, Any]) -> None:
        made = committed.claim(path)
        claims["checkpoints"] |= {"root": made.root, "count": made.count}
        claims["checkpoints"]["leaves"]["digest"] = made.leaves.digest
        claims["checkpoints"]["trace"]["digest"] = made.trace.digest

    repo.edit(claim)


def rewrite(folder: Path, step: int, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Change the arrays of the checkpoint of ``step``."""
    path = folder / f"step-{step:08d}.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    np.savez(path, **arrays)


def state(folder: Path, step: int) -> dict[str, np.ndarray]:
    """The arrays of the checkpoint of ``step``."""
    with np.load(folder / f"step-{step:08d}.npz") as archive:
        return {name: archive[name] for name in archive.files}


def retrace(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change every line of the trace."""
    lines = [json.loads(line) for line in (folder / "trace.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        change(line)
    (folder / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
