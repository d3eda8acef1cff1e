"""What ``record`` writes down, and what a reader refuses."""

from __future__ import annotations

import hashlib
import json
import os
import re

import pytest
import rfc8785
from workbench import SCHEMAS, checks, load_yaml, result, results, validator

ZEROS = "sha256:" + "0" * 64
EMPTY = "sha256:" + hashlib.sha256(b"").hexdigest()


def digest(repo, path):
    return "sha256:" + hashlib.sha256((repo.root / path).read_bytes()).hexdigest()


def test_a_recorded_manifest_fits_its_schema(project):
    for name in ("network", "layered"):
        claims = project(name, folder=name).claims()
        assert [e.message for e in validator("run-manifest").iter_errors(claims)] == []


def test_name_and_place(project):
    repo = project("network", "started")
    path = repo.record("--name", "first-try")
    assert re.fullmatch(r"runs/\d{8}-\d{6}-first-try\.run\.yaml", path)
    claims = repo.claims(path)
    assert claims["schema"] == "auditor/run-manifest/v1"
    assert claims["run"]["id"] == path.removeprefix("runs/").removesuffix(".run.yaml")
    assert claims["run"]["status"] == "succeeded"
    assert claims["run"]["started"] <= claims["run"]["finished"]


def test_a_chosen_place(project):
    repo = project("network", "started")
    assert repo.record("--manifest", "runs/deep/mine.run.yaml") == "runs/deep/mine.run.yaml"
    assert repo.claims("runs/deep/mine.run.yaml")["run"]["id"] == "mine"


def test_code_is_the_commit_and_its_tree(project):
    repo = project("network", "started")
    repo.record()
    code = repo.claims()["code"]
    assert code["commit"] == repo.git("rev-parse", "HEAD")
    assert code["tree"] == repo.git("rev-parse", "HEAD^{tree}")
    assert code.get("dirty", False) is False
    assert code["entrypoint"] == ["python", "train.py"]


def test_data_and_artifacts_are_what_lies_there(project):
    repo = project()
    claims = repo.claims()
    data = {source["name"]: source for source in claims["data"]}
    assert {name: source["role"] for name, source in data.items()} == {"train": "train", "test": "test"}
    for source in data.values():
        assert source["digest"] == digest(repo, source["path"])
        assert source["size"] == (repo.root / source["path"]).stat().st_size
        assert source["records"] == len(repo.read(source["path"]).splitlines()) - 1
    artifacts = {artifact["path"]: artifact for artifact in claims["artifacts"]}
    for path in ("out/model.npz", "out/predictions.csv"):
        assert artifacts[path]["digest"] == digest(repo, path)
        assert artifacts[path]["size"] == (repo.root / path).stat().st_size
    assert artifacts["out/model.npz"]["role"] == "weights"
    assert artifacts["out/predictions.csv"]["role"] == "predictions"


def test_metrics_are_the_commands_own_and_point_at_the_predictions(project):
    repo = project()
    metrics = {metric["name"]: metric for metric in repo.claims()["metrics"]}
    assert {name: metric["value"] for name, metric in metrics.items()} == json.loads(repo.read("out/metrics.json"))
    source = metrics["accuracy"]["from"]
    assert source["columns"]["prediction"] == "prediction"
    assert source["columns"]["label"] == "label"


def test_a_single_configuration_file_counts_itself(project):
    repo = project()
    claims = repo.claims()
    configuration = claims["configuration"]
    assert configuration["effective"] == load_yaml(repo.read("conf/base.yaml"))
    assert configuration["files"] == [{"path": "conf/base.yaml", "digest": digest(repo, "conf/base.yaml")}]
    canonical = hashlib.sha256(rfc8785.dumps(configuration["effective"])).hexdigest()
    assert configuration["digest"] == f"sha256:{canonical}"
    assert claims["randomness"]["seeds"]["seed"] == {"value": 3, "at": "/seed"}


def test_layers_are_merged_in_order_and_overrides_come_last(project):
    repo = project("layered", "started")
    path = repo.record("--set", "ridge=0.2")
    configuration = repo.claims(path)["configuration"]
    assert configuration["effective"] == {"seed": 5, "features": 96, "ridge": 0.2}
    assert [file["path"] for file in configuration["files"]] == ["conf/base.yaml", "conf/large.yaml"]
    assert configuration["origins"]["/features"]["shadows"]
    assert configuration["origins"]["/ridge"]["shadows"]
    assert not configuration["origins"]["/seed"].get("shadows")


def test_the_effective_configuration_replaces_its_placeholder(project):
    repo = project("layered", "started")
    repo.replace("train.py", 'os.environ["AUDITOR_CONFIG"]', "sys.argv[1]")
    repo.replace("train.py", "import os\n", "import sys\n")
    repo.commit("Take the configuration as an argument")
    repo.record(command=("python", "train.py", "{config}"))
    repo.commit("Record a run")
    assert repo.claims()["configuration"]["effective"]["features"] == 96
    assert repo.claims()["code"]["entrypoint"] == ["python", "train.py", "{config}"]
    repo.gate().expect(0)


def test_layers_that_nobody_reads_are_said_at_once_and_block(project):
    repo = project("layered", "started")
    repo.replace("train.py", 'os.environ["AUDITOR_CONFIG"]', '"conf/base.json"')
    repo.write("conf/base.json", '{"seed": 5, "features": 64, "ridge": 0.1}\n')
    repo.commit("Read a file of my own")
    options = (*repo.project.record, "--", "python", "train.py")
    answer = repo.auditor("record", *options).expect(0)
    assert "AUDITOR_CONFIG" in answer.stderr
    repo.commit("Record a run")
    report = repo.gate().expect(1).json()
    assert result(report, "configuration/unapplied-override")["severity"] == "blocker"
    assert "configuration/unapplied-override" in checks(report, "failed")


def test_seeds_are_told_where_they_are_handed_over(project):
    repo = project("network", "started")
    path = repo.record("--seed", "init=17", command=("python", "train.py", "--init", "17"))
    seeds = repo.claims(path)["randomness"]["seeds"]
    assert seeds["seed"] == {"value": 3, "at": "/seed"}
    assert seeds["init"] == {"value": 17, "at": 3}


def test_there_is_always_a_smoke_reproduction(project):
    claims = project().claims()
    (smoke,) = claims["reproductions"]
    assert (smoke["name"], smoke["tier"], smoke.get("scale", {})) == ("smoke", "smoke", {})
    assert smoke["timeout"] >= 60
    expected = {metric["name"]: metric["value"] for metric in smoke["expect"]["metrics"]}
    assert expected == {metric["name"]: metric["value"] for metric in claims["metrics"]}


def test_a_scaled_smoke_is_executed_at_once(project):
    repo = project("network", "started")
    path = repo.record("--smoke", "epochs=2")
    claims = repo.claims(path)
    (smoke,) = claims["reproductions"]
    assert smoke["scale"] == {"epochs": 2}
    scaled = {metric["name"]: metric["value"] for metric in smoke["expect"]["metrics"]}
    whole = {metric["name"]: metric["value"] for metric in claims["metrics"]}
    assert scaled["loss"] > whole["loss"]
    assert json.loads(repo.read("out/metrics.json")) == whole, "the outputs are those of the whole run"
    repo.commit("Record a run")
    repo.gate().expect(0)


def test_a_run_that_is_too_long_for_a_smoke_says_so(project):
    repo = project("network", "started")
    options = (*repo.project.record, "--smoke-limit", "0.001", "--", "python", "train.py")
    answer = repo.auditor("record", *options).expect(0)
    assert "--smoke" in answer.stderr
    repo.commit("Record a run")
    report = repo.gate().expect(4).json()
    assert "reproduction/unexercised-run" in checks(report, "inconclusive")


def test_what_the_command_read_is_observed(project):
    observed = project().claims()["observed"]
    reads = {read["path"] for read in observed["reads"]}
    assert reads >= {"train.py", "conf/base.yaml", "data/train.csv", "data/test.csv"}
    assert not {path for path in reads if path.startswith(("/", "out/"))}


def test_the_environment_is_that_of_the_command(project):
    environment = project("forest").claims()["environment"]
    assert re.fullmatch(r"3\.\d+\.\d+\S*", environment["python"])
    packages = {name.lower().replace("_", "-") for name in environment["packages"]}
    assert packages >= {"numpy", "scikit-learn", "pyyaml"}
    assert environment["executor"]["class"]


def test_paths_are_relative_and_nothing_names_this_machine(project):
    repo = project()
    text = repo.read(repo.manifest)
    assert str(repo.root) not in text
    assert repo.env["HOME"] not in text


def test_credentials_are_removed_everywhere(project):
    repo = project("network", "started")
    secret = "ghp_" + "Ab3dEf6hIj" * 3 + "Kl1mNo"
    repo.git("remote", "add", "origin", f"https://me:{secret}@github.com/team/model.git")
    repo.extra["AWS_SECRET_ACCESS_KEY"] = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105  (Amazon's own example)
    options = (*repo.project.record, "--set", f"api_token={secret}", "--", "python", "train.py", f"--token={secret}")
    repo.auditor("record", *options)
    text = repo.read(repo.manifest)
    assert secret not in text
    assert "wJalrXUtnFEMI" not in text
    assert "github.com/team/model" in text


def test_a_dirty_work_tree_is_refused_or_kept_as_a_patch(project):
    repo = project("network", "started")
    repo.replace("train.py", "0.3", "0.25")
    refused = repo.auditor("record", *repo.project.record, "--", "python", "train.py").expect(2)
    assert "train.py" in refused.stderr
    assert not (repo.root / "out").exists()

    path = repo.record("--allow-dirty")
    code = repo.claims(path)["code"]
    assert code["dirty"] is True
    assert code["patch"]["digest"] == digest(repo, code["patch"]["path"])


def test_untracked_files_count_only_when_they_were_read(project):
    repo = project("network", "started")
    repo.write("notes.txt", "a thought\n")
    assert repo.claims(repo.record()).get("code", {}).get("dirty", False) is False


def spoil(text):
    def change(repo, path):
        repo.write(path, text)

    return change


UNREADABLE = {
    "empty": spoil(""),
    "binary": spoil(bytes(range(256)) * 8),
    "cut off": lambda repo, path: repo.write(path, repo.read(path)[:300] + "\n  x: [1, 2"),
    "duplicate key": lambda repo, path: repo.write(path, repo.read(path) + "schema: auditor/run-manifest/v1\n"),
    "tag": spoil("schema: !!python/object/apply:os.system ['true']\n"),
    "alias bomb": spoil(
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    ),
    "nested too deep": spoil("a: " + "[" * 5000 + "]" * 5000 + "\n"),
    "not finite": lambda repo, path: repo.replace(path, "schema: ", "oops: .nan\nschema: "),
    "larger than any manifest": spoil("# " + "x" * 78 + "\n" + ("# " + "x" * 77 + "\n") * 800_000),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_one_finding_with_a_place(project, name):
    repo = project()
    UNREADABLE[name](repo, repo.manifest)
    repo.commit("Spoil the manifest")
    report = repo.gate().expect(1).json()
    (run,) = report["runs"]
    assert run["digest"] == digest(repo, repo.manifest)
    (only,) = run["results"]
    assert only["check"] == "schema/unreadable-manifest"
    assert only["findings"][0]["file"] == repo.manifest


def test_an_unreadable_place_is_told(project):
    repo = project()
    repo.write(repo.manifest, "schema: auditor/run-manifest/v1\nrun:\n  id: a\n  id: b\n")
    repo.commit("Spoil the manifest")
    (finding,) = result(repo.gate().expect(1).json(), "schema/unreadable-manifest")["findings"]
    assert finding["line"] == 4
    assert "id" in finding["message"]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words\n", "3\n", "null\n"])
def test_what_is_no_mapping_is_no_manifest(project, text):
    repo = project()
    repo.write(repo.manifest, text)
    repo.commit("Spoil the manifest")
    assert checks(repo.gate().expect(1).json(), "failed") & {"schema/unreadable-manifest", "schema/invalid-manifest"}


INVALID = {
    "unknown key": lambda c: c.update(surprise=1),
    "unknown key further down": lambda c: c["run"].update(surprise=1),
    "no schema": lambda c: c.pop("schema"),
    "other schema version": lambda c: c.update(schema="auditor/run-manifest/v9"),
    "no run": lambda c: c.pop("run"),
    "status unknown": lambda c: c["run"].update(status="fine"),
    "path absolute": lambda c: c["data"][0].update(path="/etc/passwd"),
    "path going up": lambda c: c["data"][0].update(path="../secret.csv"),
    "digest too short": lambda c: c["data"][0].update(digest="sha256:abc"),
    "digest of zeros": lambda c: c["data"][0].update(digest=ZEROS),
    "digest is a URL": lambda c: c["data"][0].update(digest="https://example.org/train.csv"),
    "digest in capitals": lambda c: c["data"][0].update(digest="sha256:" + "AB" * 32),
    "digest with a newline": lambda c: c["data"][0].update(digest="sha256:" + "ab" * 32 + "\n"),
    "value is text": lambda c: c["metrics"][0].update(value="0.9"),
    "role unknown": lambda c: c["artifacts"][0].update(role="trophy"),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_the_schema_refuses_blocks(project, name):
    repo = project()
    repo.edit(INVALID[name])
    repo.commit("Break the manifest")
    report = repo.gate().expect(1).json()
    refused = checks(report, "failed")
    assert refused & {"schema/invalid-manifest", "schema/unreadable-manifest", "data/undigested-dataset"}
    place = next(r for r in results(report) if r["check"] in refused)["findings"][0]
    assert place["file"] == repo.manifest


def test_the_digest_of_nothing_is_no_digest_of_something(project):
    repo = project()
    repo.edit(lambda claims: claims["data"][0].update(digest=EMPTY))
    repo.commit("Break the manifest")
    assert any(name.startswith(("data/", "schema/")) for name in checks(repo.gate().expect(1).json(), "failed"))


def test_unavailable_with_a_reason_is_the_honest_alternative(project):
    repo = project()

    def confess(claims):
        del claims["environment"]["hardware"]
        claims["unavailable"] = {**claims.get("unavailable", {}), "/environment/hardware": "the machine is gone"}

    repo.edit(confess)
    repo.commit("Say what is missing")
    repo.gate().expect(0)


def test_extensions_are_free(project):
    repo = project()
    repo.edit(lambda claims: claims.update(extensions={"team": {"ticket": 12, "mood": "fine"}}))
    repo.commit("Add a note")
    repo.gate().expect(0)


def test_json_manifests_are_manifests(project):
    repo = project()
    claims, path = repo.claims(), repo.manifest
    (repo.root / path).unlink()
    repo.write(path.replace(".yaml", ".json"), json.dumps(claims, indent=2))
    repo.commit("Write it as JSON")
    report = repo.gate().expect(0).json()
    assert [run["manifest"] for run in report["runs"]] == [path.replace(".yaml", ".json")]


def test_every_field_of_the_schemas_is_described():
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        assert '"format":' not in path.read_text(encoding="utf-8").replace('"format": {', ""), path.name
        for name, field in schema["properties"].items():
            assert field.get("description") or "$ref" in field or "const" in field, f"{path.name}: {name}"


@pytest.mark.parametrize("name", ["with space.run.yaml", "ünïcode.run.yaml", "new\nline.run.yaml"])
def test_file_names_may_be_anything(project, name):
    repo = project()
    repo.git("mv", repo.manifest, f"runs/{name}")
    repo.commit("Rename")
    report = repo.gate().expect(0).json()
    assert [run["manifest"] for run in report["runs"]] == [f"runs/{name}"]


def test_other_files_may_have_any_bytes_as_their_names(project):
    repo = project()
    (repo.root / os.fsdecode(b"caf\xe9 \n\xff.py")).touch()
    repo.commit("Add a strange file")
    repo.gate().expect(0)
    repo.auditor("gate", "merge", "--base", "main").expect(0)


def test_a_manifest_that_is_a_link_is_not_followed(project):
    repo = project()
    path = repo.manifest
    (repo.root / path).unlink()
    (repo.root / path).symlink_to("/etc/passwd")
    repo.commit("Point elsewhere")
    report = repo.gate().expect(1).json()
    assert "root:" not in json.dumps(report)
    assert checks(report, "failed") & {"schema/unreadable-manifest", "schema/invalid-manifest"}


def test_windows_line_ends_and_a_byte_order_mark_are_read(project):
    repo = project()
    repo.write(repo.manifest, b"\xef\xbb\xbf" + repo.read(repo.manifest).replace("\n", "\r\n").encode())
    repo.commit("Edit on Windows")
    repo.gate().expect(0)


def test_escape_sequences_in_a_manifest_never_reach_a_terminal(project):
    repo = project()
    repo.edit(lambda claims: claims["run"].update(purpose="\x1b[2J\x1b]0;owned\x07", status="succeeded"))
    repo.edit(lambda claims: claims["metrics"][0].update(value=0.999, name="accuracy\x1b[31m"))
    repo.commit("Be nasty")
    answer = repo.auditor("gate", "merge", "--base", "main").expect(1)
    assert "\x1b" not in answer.stdout + answer.stderr
