from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import Answer, Repo, load_yaml

from auditor import digest
from auditor.manifest.reader import read_file
from auditor.manifest.validate import violations

TRAIN = """
import csv, json, os, sys
os.makedirs("out", exist_ok=True)
config = open("conf/base.yaml").read()
rows = list(csv.DictReader(open("data/test.csv")))
with open("out/predictions.csv", "w") as stream:
    stream.write("id,prediction\\n" + "".join(f"{r['id']},{r['label']}\\n" for r in rows))
json.dump({"accuracy": 1.0, "val": {"loss": 0.5}}, open("out/metrics.json", "w"))
open("out/model.npz", "wb").write(config.encode())
"""
DECLARED = (
    *("--config", "conf/base.yaml", "--data", "test=data/test.csv"),
    *("--out", "out/model.npz", "--out", "out/predictions.csv", "--metrics", "out/metrics.json"),
)
PYTHON = sys.executable


@pytest.fixture
def repo(repository: Repo) -> Repo:
    repository.git("config", "user.name", "The Author")
    repository.git("config", "user.email", "author@example.org")
    repository.write("train.py", TRAIN)
    repository.write("conf/base.yaml", "seed: 3\nepochs: 5\n")
    repository.write("data/test.csv", "id,x,label\n1,2,0\n2,3,1\n")
    repository.write(".gitignore", "__pycache__/\n")
    repository.commit()
    return repository


def record(repo: Repo, *arguments: str, command: tuple[str, ...] = (PYTHON, "train.py")) -> Answer:
    return repo.auditor("record", *arguments, "--", *command)


def claims(repo: Repo, answer: Answer) -> dict:
    """What the manifest named in the last line says, after it was held against the schema."""
    path = repo.root / answer.stderr.splitlines()[-1]
    value = read_file(path).value
    assert violations(value, "run-manifest") == []
    return value


def script(repo: Repo, text: str, name: str = "other.py") -> tuple[str, ...]:
    repo.write(name, text)
    repo.commit()
    return (PYTHON, name)


def test_a_run_is_recorded_whole(repo) -> None:
    answer = record(repo, *DECLARED).expect(0)
    found = claims(repo, answer)
    assert answer.stdout == ""
    assert answer.stderr.splitlines()[0].startswith("auditor: recording ")
    assert found["run"]["id"] + ".run.yaml" == Path(answer.stderr.splitlines()[-1]).name
    assert found["run"]["status"] == "succeeded"
    assert found["run"]["author"] == "The Author <author@example.org>"
    assert found["code"]["commit"] == repo.git("rev-parse", "HEAD")
    assert found["code"]["tree"] == repo.git("rev-parse", "HEAD^{tree}")
    assert found["code"]["dirty"] is False
    assert found["code"]["entrypoint"] == [PYTHON, "train.py"]
    assert found["configuration"]["effective"] == {"seed": 3, "epochs": 5}
    assert found["randomness"]["seeds"] == {"seed": {"value": 3, "at": "/seed"}}
    (data,) = found["data"]
    assert (data["role"], data["records"], data["size"]) == ("test", 2, 23)
    assert data["digest"] == digest.of_file(repo.root / "data/test.csv")[0]
    assert data["columns"] == {"id": "id", "label": "label"}
    assert {a["path"]: a["role"] for a in found["artifacts"]} == {
        "out/model.npz": "weights",
        "out/predictions.csv": "predictions",
        "out/metrics.json": "metrics",
    }
    accuracy, loss = found["metrics"]
    assert accuracy["from"]["labels"] == "data/test.csv"
    assert accuracy["from"]["columns"] == {"id": "id", "label": "label", "prediction": "prediction"}
    assert (loss["name"], loss["split"], loss["value"]) == ("val.loss", "validation", 0.5)
    (smoke,) = found["reproductions"]
    assert (smoke["name"], smoke["scale"], smoke["timeout"]) == ("smoke", {}, 60.0)
    assert smoke["command"] == found["code"]["entrypoint"]
    assert [a["path"] for a in smoke["expect"]["artifacts"]] == ["out/model.npz", "out/predictions.csv"]
    assert [r["path"] for r in found["observed"]["reads"]] == ["conf/base.yaml", "data/test.csv", "train.py"]
    assert "warning" not in answer.stderr
    assert repo.git("status", "--porcelain", "--", "runs") == "?? runs/"
    assert [p.name for p in (repo.root / "runs").iterdir()] == [Path(answer.stderr.splitlines()[-1]).name]


def test_output_passes_through_untouched_and_the_exit_status_is_the_commands(repo) -> None:
    text = "import sys; sys.stdout.buffer.write(b'\\x1b[31m\\xff\\r\\n'); sys.stderr.write('\\x1b]0;x\\x07'); sys.exit(7)"
    done = subprocess.run(
        [sys.executable, "-m", "auditor", "record", "--", PYTHON, "-c", text],
        cwd=repo.root,
        env=repo.env,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stdout == b"\x1b[31m\xff\r\n"
    assert b"\x1b]0;x\x07" in done.stderr
    header = done.stderr.split(b"\n")[0]
    assert b"\x1b" not in header
    found = read_file(repo.root / done.stderr.decode(errors="replace").splitlines()[-1]).value
    assert found["run"]["status"] == "failed"
    assert "reproductions" not in found
    assert violations(found, "run-manifest") == []


def test_a_killed_child_is_a_failed_run(repo) -> None:
    answer = record(repo, command=(PYTHON, "-c", "import os; os.kill(os.getpid(), 9)")).expect(137)
    assert claims(repo, answer)["run"]["status"] == "failed"


@pytest.mark.parametrize("command", [("nonexistent-program",), ("./train.py",), ("./data",), ()])
def test_what_cannot_be_started_leaves_nothing(repo, command) -> None:
    answer = record(repo, command=command).expect(2)
    assert not (repo.root / "runs").exists()
    assert "auditor:" in answer.stderr or "Usage" in answer.stderr


def test_an_executable_that_is_none_leaves_nothing(repo) -> None:
    repo.write("broken", b"\x7fELF nonsense").chmod(0o755)
    repo.commit()
    record(repo, command=("./broken",)).expect(2)
    assert not (repo.root / "runs").exists()


WAIT = "import time, sys; print('ready', flush=True)\ntime.sleep(60)"


@pytest.mark.parametrize("handled", [False, True])
def test_ctrl_c_reaches_the_command_and_the_manifest_says_so(repo, handled) -> None:
    ending = "pass" if handled else "raise"
    text = f"try:\n import time; print('ready', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n {ending}"
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "record", "--name", "stopped", "--", PYTHON, "-c", text],
        cwd=repo.root,
        env=repo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (0 if handled else 130)
    found = load_yaml(repo.read(errors.splitlines()[-1]))
    assert found["run"]["status"] == "interrupted"
    assert violations(found, "run-manifest") == []


def test_a_termination_of_the_recorder_is_passed_on(repo) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "auditor", "record", "--", PYTHON, "-c", WAIT],
        cwd=repo.root,
        env=repo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert load_yaml(repo.read(errors.splitlines()[-1]))["run"]["status"] == "interrupted"


def test_two_runs_in_one_second_do_not_collide(repo) -> None:
    paths = {record(repo, "--name", "a b/c").stderr.splitlines()[-1] for _ in range(3)}
    assert len(paths) == 3
    assert all("-a-b-c" in path for path in paths)


def test_an_existing_manifest_is_never_overwritten(repo) -> None:
    record(repo, "--manifest", "runs/x.run.json").expect(0)
    value = json.loads(repo.read("runs/x.run.json"))
    assert value["run"]["id"] == "x"
    assert "never edited" in record(repo, "--manifest", "runs/x.run.json").expect(2).stderr
    assert "a manifest is called" in record(repo, "--manifest", "runs/x.yaml").expect(2).stderr


def test_the_place_must_fit(repo, tmp_path) -> None:
    inner = repo.root / "conf"
    assert "cd " in repo.auditor("record", "--", "true", cwd=inner).expect(2).stderr
    assert repo.auditor("record", "--", "true", cwd=tmp_path).exit == 2
    empty = Repo(tmp_path / "empty", repo.env).init()
    assert "no commit" in record(empty, command=("true",)).expect(2).stderr


# What went in


def test_a_dirty_tree_is_refused_or_recorded_as_a_patch(repo) -> None:
    repo.replace("train.py", "1.0", "0.5")
    answer = record(repo, *DECLARED).expect(2)
    assert "train.py" in answer.stderr
    assert not (repo.root / "out").exists()
    found = claims(repo, record(repo, *DECLARED, "--allow-dirty").expect(0))
    assert found["code"]["dirty"] is True
    patch = repo.root / found["code"]["patch"]["path"]
    assert patch.name == found["run"]["id"] + ".patch"
    assert digest.of_file(patch)[0] == found["code"]["patch"]["digest"]
    repo.git("checkout", "--", "train.py")
    repo.git("apply", str(patch))
    assert "0.5" in repo.read("train.py")


def test_outputs_and_manifests_make_nothing_dirty(repo) -> None:
    first = record(repo, *DECLARED).expect(0).stderr.splitlines()[-1]
    repo.commit()
    repo.write("out/metrics.json", "{}")
    repo.write(first, repo.read(first) + "# seen\n")
    assert claims(repo, record(repo, *DECLARED).expect(0))["code"]["dirty"] is False


def test_an_untracked_file_counts_only_when_it_is_read(repo) -> None:
    repo.write("notes.txt", "x")
    assert claims(repo, record(repo, *DECLARED).expect(0))["code"]["dirty"] is False
    command = script(repo, "import helper\nopen('notes2.txt').read()")
    repo.write("helper.py", "VALUE = 1\n")
    repo.write("notes2.txt", "x")
    answer = record(repo, "--allow-dirty", command=command).expect(0)
    found = claims(repo, answer)
    assert found["code"]["dirty"] is True
    assert "helper.py" in answer.stderr
    assert "VALUE = 1" in (repo.root / found["code"]["patch"]["path"]).read_text()
    again = claims(repo, record(repo, command=command).expect(0))
    assert again["code"]["dirty"] is True
    assert "patch" not in again["code"]


def test_undeclared_inputs_are_named(repo) -> None:
    answer = record(repo, "--config", "conf/base.yaml").expect(0)
    assert "read but not declared: data/test.csv; add --data NAME=data/test.csv" in answer.stderr
    assert claims(repo, answer)["extensions"]["auditor"]["undeclared-inputs"] == ["data/test.csv"]


def test_secrets_stand_nowhere(repo) -> None:
    token = "ghp_" + "Zz9x" * 9
    repo.git("remote", "add", "origin", f"https://ada:{token}@example.org/a.git")
    repo.write("conf/base.yaml", f"seed: 3\nepochs: 5\ndb: {{password: hunter2-secret}}\nkey: {token}\nmax_tokens: 9\n")
    answer = record(
        repo,
        *DECLARED,
        "--set",
        "api_key=sesame-open",
        "--allow-dirty",
        command=(PYTHON, "train.py", "--token", "swordfish", token),
    ).expect(0)
    found = claims(repo, answer)
    everything = "".join(path.read_text() for path in (repo.root / "runs").iterdir()) + answer.stderr
    for secret in (token, "hunter2-secret", "sesame-open", "swordfish"):
        assert secret not in everything
    assert found["code"]["repository"] == "https://example.org/a.git"
    assert found["code"]["entrypoint"] == [PYTHON, "train.py", "--token", "[redacted]", "[redacted]"]
    assert found["configuration"]["effective"]["max_tokens"] == 9
    assert found["extensions"]["auditor"]["redacted"] == [
        f"/configuration/effective{p}" for p in ("/db/password", "/key", "/api_key")
    ]


def test_layers_reach_the_command_and_unapplied_ones_are_said(repo) -> None:
    repo.write("conf/more.yaml", "epochs: 9\n")
    command = script(repo, "import json, os; print(json.load(open(os.environ['AUDITOR_CONFIG'])))")
    layers = ("--config", "conf/base.yaml", "--config", "conf/more.yaml", "--set", "lr=1e-4")
    answer = record(repo, *layers, command=command).expect(0)
    assert answer.stdout == "{'seed': 3, 'epochs': 9, 'lr': 0.0001}\n"
    assert "effective configuration" not in answer.stderr
    found = claims(repo, answer)
    assert found["extensions"]["auditor"]["effective-config-read"] is True
    assert found["configuration"]["origins"]["/epochs"] == {"source": "file", "detail": "conf/more.yaml:1", "shadows": [5]}
    answer = record(repo, *layers, command=(PYTHON, "-c", "import sys; print(open(sys.argv[1]).read())", "{config}")).expect(
        0
    )
    assert json.loads(answer.stdout)["epochs"] == 9
    assert claims(repo, answer)["code"]["entrypoint"][-1] == "{config}"
    answer = record(repo, *layers, command=(PYTHON, "-c", "pass")).expect(0)
    assert "effective configuration was never opened" in answer.stderr
    assert claims(repo, answer)["extensions"]["auditor"]["effective-config-read"] is False


@pytest.mark.parametrize(
    ("arguments", "variables", "seed"),
    [
        (("--rng", "7"), {}, {"value": 7, "at": 4}),
        (("--rng=7",), {}, {"value": 7, "at": 3}),
        (("rng=7",), {}, {"value": 7, "at": 3}),
        ((), {"rng": "7"}, {"value": 7, "at": "rng"}),
        (("x", "7"), {}, {"value": 7, "at": 4}),
    ],
)
def test_named_seeds_are_found_where_they_stand(repo, arguments, variables, seed) -> None:
    repo.extra = variables
    answer = record(repo, "--seed", "rng=7", command=(PYTHON, "-c", "pass", *arguments)).expect(0)
    assert claims(repo, answer)["randomness"]["seeds"] == {"rng": seed}


def test_a_seed_that_stands_nowhere_is_refused(repo) -> None:
    assert "no such seed" in record(repo, "--seed", "rng=7").expect(2).stderr


def test_the_hash_seed_is_a_seed(repo) -> None:
    repo.extra = {"PYTHONHASHSEED": "12"}
    found = claims(repo, record(repo).expect(0))
    assert found["randomness"]["seeds"]["PYTHONHASHSEED"] == {"value": 12, "at": "PYTHONHASHSEED"}
    assert found["environment"]["variables"]["PYTHONHASHSEED"] == "12"


def test_names_with_blanks_newlines_and_other_alphabets(repo) -> None:
    names = ["data/a b.csv", "data/line\nbreak.csv", "data/größe – 数.csv"]
    for name in names:
        repo.write(name, "x\n1\n")
    command = script(repo, f"for name in {names!r}: open(name).read()\nopen('out put.npz', 'w').write('x')")
    arguments = [part for index, name in enumerate(names) for part in ("--data", f"d{index}={name}")]
    answer = record(repo, *arguments, "--out", "out put.npz", command=command).expect(0)
    found = claims(repo, answer)
    assert sorted(d["path"] for d in found["data"]) == sorted(names)
    assert {r["path"] for r in found["observed"]["reads"]} == {*names, "other.py"}
    assert found["artifacts"][0]["path"] == "out put.npz"
    assert "warning" not in answer.stderr


def test_names_that_are_not_utf8(repo) -> None:
    odd = os.fsdecode(b"data/\xff.csv")
    repo.write(odd, "x\n1\n")
    command = script(repo, r"import os; open(os.fsdecode(b'data/\xff.csv')).read()")
    answer = record(repo, command=command).expect(0)
    assert "not UTF-8" in answer.stderr
    assert [r["path"] for r in claims(repo, answer)["observed"]["reads"]] == ["other.py"]
    assert "not UTF-8" in record(repo, "--data", f"d={odd}", command=command).expect(2).stderr
    assert "not UTF-8" in record(repo, command=(*command, os.fsdecode(b"\xff"))).expect(2).stderr


def test_a_folder_of_data_is_one_tree(repo) -> None:
    for name in ("a.txt", "b/c.txt"):
        repo.write(f"images/{name}", name)
    command = script(repo, "import pathlib\nfor p in pathlib.Path('images').rglob('*.txt'): p.read_text()")
    found = claims(repo, record(repo, "--data", "train=images/", command=command).expect(0))
    entries = [(n, len(n), digest.of_bytes(n.encode())) for n in ("a.txt", "b/c.txt")]
    assert found["data"][0]["format"] == "tree"
    assert found["data"][0]["digest"] == digest.of_tree(entries)
    assert [r["path"] for r in found["observed"]["reads"]] == ["images", "other.py"]
    (repo.root / "images/link").symlink_to("a.txt")
    assert "link" in record(repo, "--data", "train=images", command=command).expect(2).stderr


def test_data_outside_the_repository_has_an_address(repo, tmp_path) -> None:
    outside = tmp_path / "big data.csv"
    outside.write_text("x\n1\n2\n", encoding="utf-8")
    (data,) = claims(repo, record(repo, "--data", f"train={outside}").expect(0))["data"]
    assert (data["mount"], data["uri"], data["records"]) == (str(outside), outside.as_uri(), 2)
    assert "path" not in data


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--data", "train"), "NAME"),
        (("--data", "train=missing.csv"), "No such file"),
        (("--data", "a:nonsense=train.py"), "no such role"),
        (("--data", "a=train.py", "--data", "a=conf/base.yaml"), "given twice"),
        (("--data", "a=train.py", "--out", "train.py"), "data and as output"),
        (("--data", "a=../x"), "inside the repository"),
        (("--out", "/etc/x"), "outside the repository"),
        (("--out", "weights:"), "needs a path"),
        (("--config", "missing.yaml"), "No such file"),
        (("--set", "a"), "KEY=VALUE"),
        (("--smoke", "epochs=1"), "has no epochs"),
        (("--lock", "missing.lock"), "No such file"),
        (("--supersedes", "sha256:" + "a" * 64), "belong together"),
        (("--data", "a=train.py", "--replaces", "b=sha256:" + "a" * 64 + ":x"), "there is no --data b"),
        (("--data", "a=train.py", "--replaces", "a=sha256:" + "a" * 64), "gives no reason"),
        (("--data", "a=train.py", "--replaces", "a=sha256:" + "a" * 64 + ": "), "gives no reason"),
        (("--data", "a=train.py", "--replaces", "a=md5:" + "a" * 67 + ":x"), "no digest"),
        (("--supersedes", "x", "--reason", "y"), "no digest"),
        (("--parent", "sha256:" + "a" * 64 + ":friend"), "relations are"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_starts(repo, arguments, words) -> None:
    answer = record(repo, *arguments, command=(PYTHON, "-c", "open('started', 'w')")).expect(2)
    assert words in answer.stderr
    assert not (repo.root / "started").exists()
    assert not (repo.root / "runs").exists()


def test_lineage_and_lock(repo) -> None:
    repo.write("uv.lock", "version = 1\n")
    repo.commit()
    one, other = ("sha256:" + letter * 64 for letter in "ab")
    repo.write("rows.csv", "a\n1\n")
    repo.commit()
    data = ("--data", "train=rows.csv", "--replaces", f"train={one}: labels of 12 rows: corrected")
    answer = record(
        repo, "--supersedes", one, "--reason", "typo", "--parent", f"{other}:repeat-of", "--lock", "uv.lock", *data
    ).expect(0)
    found = claims(repo, answer)
    assert found["data"][0]["supersedes"] == {"digest": one, "reason": "labels of 12 rows: corrected"}
    assert found["run"]["supersedes"] == {"digest": one, "reason": "typo"}
    assert found["lineage"]["parents"] == [{"digest": other, "relation": "repeat-of"}]
    assert found["environment"]["lock"]["kind"] == "uv"


# What came out


def test_stale_outputs_are_never_claimed(repo) -> None:
    repo.write("out/model.npz", "from long ago")
    repo.write("out/metrics.json", '{"accuracy": 0.99}')
    repo.commit()
    answer = record(repo, *DECLARED, command=(PYTHON, "-c", "pass")).expect(0)
    assert "out/model.npz was there before and was not written by this run" in answer.stderr
    assert "out/predictions.csv was not written" in answer.stderr
    found = claims(repo, answer)
    assert "artifacts" not in found
    assert "metrics" not in found
    assert "not written by this run" in found["unavailable"]["/metrics"]
    assert set(found["extensions"]["auditor"]["missing-outputs"]) == {
        "out/model.npz",
        "out/predictions.csv",
        "out/metrics.json",
    }


def test_outputs_rewritten_with_the_same_bytes_count(repo) -> None:
    record(repo, *DECLARED).expect(0)
    assert len(claims(repo, record(repo, *DECLARED).expect(0))["artifacts"]) == 3


@pytest.mark.parametrize(
    ("text", "metrics", "reasons"),
    [
        ('{"a": NaN, "b": 1}', [{"name": "a"}, {"name": "b", "value": 1}], {"/metrics/0/value": "the run reported nan"}),
        ('{"test_f1": 0.5, "note": "x", "ok": true}', [{"name": "test_f1", "value": 0.5, "split": "test"}], {}),
        ('{"curve": [1, 2.5]}', [{"name": "curve.0", "value": 1}, {"name": "curve.1", "value": 2.5}], {}),
        ("not json", None, {"/metrics": "cannot be read"}),
        ("[1]", None, {"/metrics": "no JSON object"}),
    ],
)
def test_metrics_files(repo, text, metrics, reasons) -> None:
    answer = record(repo, "--metrics", "m.json", command=(PYTHON, "-c", f"open('m.json', 'w').write({text!r})")).expect(0)
    found = claims(repo, answer)
    assert found.get("metrics") == metrics
    for pointer, words in reasons.items():
        assert words in found["unavailable"][pointer]


def test_a_metric_that_its_predictions_contradict_is_said_at_once(repo) -> None:
    repo.replace("train.py", '"accuracy": 1.0', '"accuracy": 0.25, "train_accuracy": 0.25')
    repo.commit()
    answer = record(repo, *DECLARED).expect(0)
    assert "metric accuracy is 0.25, but out/predictions.csv and its labels give 1.0" in answer.stderr
    plain, train, _ = claims(repo, answer)["metrics"]
    assert "from" in plain
    assert "from" not in train


def test_a_scaled_smoke_runs_at_once_beside_the_tree(repo) -> None:
    repo.replace("train.py", '"accuracy": 1.0', '"epochs": int(config.split("epochs: ")[1])')
    repo.commit()
    found = claims(repo, record(repo, *DECLARED, "--smoke", "epochs=1").expect(0))
    assert found["metrics"][0]["value"] == 5
    (smoke,) = found["reproductions"]
    assert smoke["scale"] == {"epochs": 1}
    assert smoke["expect"]["metrics"][0] == {"name": "epochs", "value": 1}
    assert json.loads(repo.read("out/metrics.json"))["epochs"] == 5
    assert repo.read("conf/base.yaml") == "seed: 3\nepochs: 5\n"


def test_a_scaled_smoke_that_fails_is_no_reproduction(repo) -> None:
    repo.replace(
        "train.py", "import csv", "import csv\nassert 'epochs: 5' in open('conf/base.yaml').read(), 'too short'\nimport csv"
    )
    repo.commit()
    answer = record(repo, *DECLARED, "--smoke", "epochs=1").expect(0)
    assert "too short" in answer.stderr
    assert "reproductions" not in claims(repo, answer)


def test_a_long_run_without_smoke_says_what_to_add(repo) -> None:
    answer = record(repo, *DECLARED, "--smoke-limit", "0").expect(0)
    assert "--smoke 'KEY=VALUE ...'" in answer.stderr
    assert "reproductions" not in claims(repo, answer)


# What was observed


def test_children_and_imports_are_observed(repo) -> None:
    repo.write("pkg/__init__.py", "")
    repo.write("pkg/part.py", "X = 1\n")
    repo.write("child.py", "open('data/test.csv').read()\n")
    text = "import subprocess, sys\nimport pkg.part\nsubprocess.run([sys.executable, 'child.py'], check=True)\n"
    command = script(repo, text)
    for _ in range(2):  # the second time from byte-code caches
        found = claims(repo, record(repo, "--data", "test=data/test.csv", command=command).expect(0))
        paths = [r["path"] for r in found["observed"]["reads"]]
        assert paths == ["child.py", "data/test.csv", "other.py", "pkg/__init__.py", "pkg/part.py"]
        for item in found["observed"]["reads"]:
            assert item["digest"] == digest.of_file(repo.root / item["path"])[0]


def test_what_the_run_makes_and_reads_again_is_no_input(repo) -> None:
    text = "import os; open('tmp.txt', 'w').write('x'); open('tmp.txt').read()\n"
    text += "os.system('echo > made.txt'); open('made.txt').read()"
    found = claims(repo, record(repo, command=script(repo, text)).expect(0))
    assert [r["path"] for r in found["observed"]["reads"]] == ["other.py"]
    assert found["code"]["dirty"] is False


def test_an_input_that_the_run_changes_has_no_later_digest(repo) -> None:
    command = script(repo, "text = open('conf/base.yaml').read()\nopen('conf/base.yaml', 'w').write(text + '#')")
    found = claims(repo, record(repo, command=command).expect(0))
    assert {"path": "conf/base.yaml"} in found["observed"]["reads"]


def test_another_sitecustomize_still_runs(repo, tmp_path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import builtins\nbuiltins.CHAINED = __name__\n", encoding="utf-8")
    repo.extra = {"PYTHONPATH": str(tmp_path / "site")}
    text = (
        "import sys; print(CHAINED, [p for p in sys.path if 'auditor-observe' in p], sys.modules['sitecustomize'].__file__)"
    )
    answer = record(repo, command=(PYTHON, "-c", text)).expect(0)
    assert answer.stdout == f"sitecustomize [] {tmp_path / 'site/sitecustomize.py'}\n"
    assert claims(repo, answer)["observed"]["method"] == "audit-hook"


def test_nothing_observed_is_said(repo) -> None:
    answer = record(repo, command=(PYTHON, "-I", "-c", "pass")).expect(0)
    assert claims(repo, answer)["observed"] == {"method": "none"}
    assert "nothing could be observed" in answer.stderr


def test_a_shell_script_is_recorded_with_an_assumed_interpreter(repo) -> None:
    repo.write("run.sh", "#!/bin/sh\npython train.py\n").chmod(0o755)
    repo.commit()
    answer = record(repo, *DECLARED, command=("./run.sh",)).expect(0)
    assert "python on PATH" in answer.stderr
    found = claims(repo, answer)
    assert "run.sh" in found["extensions"]["auditor"]["assumed-interpreter"]
    assert "train.py" in [r["path"] for r in found["observed"]["reads"]]


def test_nothing_of_ours_is_left_behind(repo, tmp_path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    repo.extra = {"TMPDIR": str(scratch)}
    record(repo, *DECLARED, "--smoke", "epochs=1").expect(0)
    assert list(scratch.iterdir()) == []
