from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from auditor.model.run import Executor, Expect, ExpectedMetric, Needs, Reproduction
from auditor.model.words import Agreement, Isolation, Tier
from auditor.reproduce import sandbox
from auditor.reproduce.sandbox import bwrap

replace = msgspec.structs.replace


def comparison(done, of):
    return next(c for c in done.results[0].comparisons if c.of == of)


def executor_of(run, name):
    return replace(run, environment=replace(run.environment, executor=Executor(class_=name)))


def with_artifact(run, path, digest):
    return replace(run, artifacts=tuple(replace(a, digest=digest) if a.path == path else a for a in run.artifacts))


def test_a_deterministic_script_comes_out_bit_by_bit_and_its_seed_is_live(project):
    run = project.record(project.LIVE)
    done = project.reproduce(run, liveness=True)
    (result,) = done.results
    assert result.agreement is Agreement.BITWISE
    assert result.isolation == "bwrap" == done.isolation
    assert {c.of for c in result.comparisons} == {
        "file:out/weights.npz",
        "predictions:out/predictions.csv",
        "metric:accuracy",
        "metric:loss",
    }
    assert done.computed == {"accuracy"}
    assert done.liveness.status == "live", done.liveness


def test_a_seed_that_does_not_reach_the_generator_is_dead_and_the_constant_is_named(project):
    run = project.record(project.LIVE.replace('config["seed"]', "42"))
    done = project.reproduce(run, liveness=True)
    assert done.results[0].agreement is Agreement.BITWISE
    assert done.liveness.status == "dead"
    assert "42 to numpy.random.default_rng (train.py:" in done.liveness.note


def test_a_constant_for_the_global_generator_is_found_too(project):
    script = project.LIVE.replace('rng = np.random.default_rng(config["seed"])', "np.random.seed(3)\nrng = np.random")
    done = project.reproduce(project.record(script), liveness=True)
    assert (done.liveness.status, "3 to numpy.random.seed" in done.liveness.note) == ("dead", True)


def test_a_written_down_seed_is_no_sign_of_life(project):
    script = project.LIVE.replace('config["seed"]', "42").replace("save(1 / (1 + np.exp(-Xt @ w)), w=w)", "")
    script += 'save(1 / (1 + np.exp(-Xt @ w)), w=w, seed=np.array(config["seed"]))\n'
    script += (
        'm = json.load(open("out/metrics.json")); m["seed"] = config["seed"]; json.dump(m, open("out/metrics.json", "w"))\n'
    )
    run = project.record(script)
    assert project.reproduce(run, liveness=True).liveness.status == "dead"


def test_outputs_that_are_canned_depend_on_neither_seed_nor_data(project):
    script = project.HEAD + "save(np.linspace(0.01, 0.99, len(yt)), w=np.arange(2.0))\n"
    done = project.reproduce(project.record(script), liveness=True)
    assert done.results[0].agreement is Agreement.BITWISE
    assert done.liveness.status == "dead"
    assert "neither" in done.liveness.note or "tenth of the training rows gone" in done.liveness.note


def test_a_computation_without_randomness_is_seed_free(project):
    script = project.HEAD + (
        "from sklearn.linear_model import LogisticRegression\n"
        'model = LogisticRegression(random_state=config["seed"]).fit(X, y)\n'
        "save(model.predict_proba(Xt)[:, 1], w=model.coef_)\n"
    )
    done = project.reproduce(project.record(script), liveness=True)
    assert done.results[0].agreement is Agreement.BITWISE
    assert (done.liveness.status, "data sensitivity" in done.liveness.note) == ("seed-free", True)


def test_a_pickled_model_that_knows_its_seed_proves_nothing_by_itself(project):
    project.outputs = ("out/model.joblib", "out/metrics.json")
    script = project.HEAD + (
        "import joblib\nfrom sklearn.linear_model import LogisticRegression\n"
        'model = LogisticRegression().fit(X, y); model.seed = config["seed"]\n'
        'joblib.dump(model, "out/model.joblib")\n'
        'json.dump({"accuracy": float(model.score(Xt, yt))}, open("out/metrics.json", "w"))\n'
    )
    done = project.reproduce(project.record(script), liveness=True)
    assert done.results[0].agreement is Agreement.BITWISE
    assert done.liveness.status == "seed-free"


def test_a_forest_of_which_only_the_pickle_moves_is_live(project):
    project.outputs = ("out/model.joblib", "out/metrics.json")
    script = project.HEAD + (
        "import joblib\nfrom sklearn.ensemble import RandomForestClassifier\n"
        'model = RandomForestClassifier(3, random_state=config["seed"]).fit(X, y)\n'
        'joblib.dump(model, "out/model.joblib")\n'
        'json.dump({"accuracy": 0.5}, open("out/metrics.json", "w"))\n'
    )
    assert project.reproduce(project.record(script), liveness=True).liveness.status == "live"


def test_without_declared_training_data_a_silent_seed_stays_undecided(project):
    run = project.record(project.HEAD + "save(np.linspace(0.01, 0.99, len(yt)), w=np.arange(2.0))\n")
    project.write("keep.txt", "data/train.csv stays in the commit")
    done = project.reproduce(replace(run, data=()), liveness=True)
    assert (done.liveness.status, "no training data" in done.liveness.note) == ("not-exercised", True)


def test_a_run_without_seeds_is_not_exercised(project):
    run = replace(project.record(project.LIVE), randomness=None)
    assert project.reproduce(run, liveness=True).liveness.status == "not-exercised"


def test_an_edited_metric_diverges(project):
    run = project.record(project.LIVE)
    edited = replace(run, metrics=tuple(replace(m, value=0.99) if m.name == "accuracy" else m for m in run.metrics))
    done = project.reproduce(edited)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert (comparison(done, "metric:accuracy").expected, comparison(done, "metric:accuracy").agreement) == (
        0.99,
        Agreement.DIVERGED,
    )
    assert comparison(done, "file:out/weights.npz").agreement is Agreement.BITWISE


def test_a_metric_edited_in_the_script_is_found_by_computing_it(project):
    run = project.record(project.LIVE + 'json.dump({"accuracy": 0.99, "loss": 0.1}, open("out/metrics.json", "w"))\n')
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert comparison(done, "metric:accuracy").note.endswith("computed by the auditor")


def test_nudged_weights_with_a_corrected_digest_diverge(project):
    run = project.record(project.LIVE)
    weights = project.root / "out/weights.npz"
    w = np.load(weights)["w"]
    np.savez(weights, w=w + 1e-12)
    done = project.reproduce(with_artifact(run, "out/weights.npz", project.digest("out/weights.npz")))
    assert done.results[0].agreement is Agreement.DIVERGED
    assert comparison(done, "tensor:out/weights.npz#w").agreement is Agreement.DIVERGED


def test_another_executor_class_is_judged_by_the_table(project):
    run = executor_of(project.record(project.LIVE), "aarch64-sve-0123456789ab")
    weights = project.root / "out/weights.npz"
    np.savez(weights, w=np.load(weights)["w"] * (1 + 1e-14))
    done = project.reproduce(with_artifact(run, "out/weights.npz", project.digest("out/weights.npz")))
    assert done.results[0].agreement is Agreement.WITHIN_TOLERANCE
    assert not done.results[0].calibrated


def test_recorded_bytes_that_are_gone_are_settled_by_a_second_execution(project):
    run = with_artifact(project.record(project.LIVE), "out/weights.npz", f"sha256:{'ab' * 32}")
    same_class = project.reproduce(run)
    assert comparison(same_class, "file:out/weights.npz").agreement is Agreement.DIVERGED
    other_class = project.reproduce(executor_of(run, "x86_64-sse-0123456789ab"))
    assert comparison(other_class, "file:out/weights.npz").agreement is Agreement.INCONCLUSIVE


def test_outputs_that_differ_each_time_are_judged_by_the_table_and_said_so(project):
    noise = "import os\nw = w * (1 + 1e-14 * (1 + os.urandom(1)[0]))\nsave("
    run = project.record(project.LIVE.replace("\nsave(", "\n" + noise))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.WITHIN_TOLERANCE
    assert "not bitwise repeatable" in done.results[0].note
    assert "not bitwise repeatable" in comparison(done, "tensor:out/weights.npz#w").note


def test_an_unseeded_script_diverges_and_is_told_why(project):
    run = project.record(project.LIVE.replace('config["seed"]', ""))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "not bitwise repeatable" in done.results[0].note


def test_a_run_scaled_down_is_compared_with_what_it_recorded(project):
    project.write("conf.json", '{"seed": 7, "rows": 60}')
    script = project.LIVE.replace("rng.permutation(len(X))", 'rng.permutation(config["rows"])')
    run = project.record(script)
    small = {"rows": 5}
    project.write("conf.json", '{"seed": 7, "rows": 5}')
    subprocess.run(project.command, cwd=project.root, check=True)
    loss = json.loads((project.root / "out/metrics.json").read_text())["loss"]
    accuracy = json.loads((project.root / "out/metrics.json").read_text())["accuracy"]
    expect = Expect(metrics=(ExpectedMetric(name="loss", value=loss), ExpectedMetric(name="accuracy", value=accuracy)))
    smoke = Reproduction(name="smoke", command=project.command, scale=small, expect=expect)
    files = tuple(a for a in run.artifacts if a.role == "metrics")
    done = project.reproduce(replace(run, reproductions=(smoke,), artifacts=files))
    # Figures of the scaled run, although the run itself recorded others.
    assert {c.of: c.agreement for c in done.results[0].comparisons if c.of == "metric:loss"} == {
        "metric:loss": Agreement.BITWISE
    }


def test_a_foreign_command_is_not_executed(project):
    run = project.record(project.LIVE)
    foreign = Reproduction(name="smoke", command=("python", "-c", "pass"))
    done = project.reproduce(replace(run, reproductions=(foreign,)))
    assert done.results[0].agreement is Agreement.REFUSED
    assert "foreign-command" in done.results[0].note


def test_a_command_that_does_nothing_diverges(project):
    run = project.record(project.LIVE)
    empty = replace(
        run, code=replace(run.code, entrypoint=("true",)), reproductions=(Reproduction(name="s", command=("true",)),)
    )
    done = project.reproduce(empty)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "none of its declared outputs" in done.results[0].note


def test_committed_outputs_are_no_outputs_of_the_command(project):
    project.write(".gitignore", "")
    project.record(project.LIVE)
    project.commit()  # the outputs are in the commit now
    run = project.record("import subprocess\nprint(subprocess.call(['git', 'checkout', 'HEAD', '--', 'out']))\n")
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert all(c.agreement is Agreement.DIVERGED for c in done.results[0].comparisons if c.of.startswith("file:"))


def test_a_missing_undeclared_file_is_named_with_its_remedy(project):
    project.write(".gitignore", "out/\nextra.csv\n")
    project.write("extra.csv", "1")
    run = project.record(project.LIVE + 'open("extra.csv").read()\n')
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "--data extra=extra.csv" in done.results[0].note
    assert "neither committed nor declared" in done.results[0].note


def test_a_declared_input_outside_the_commit_is_placed_by_its_digest(project):
    project.write(".gitignore", "out/\ndata/\n")
    run = project.record(project.LIVE)
    assert project.reproduce(run).results[0].agreement is Agreement.BITWISE
    shutil.rmtree(project.root / "data")
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.INCONCLUSIVE
    assert "data/train.csv" in done.results[0].note


def test_the_network_is_refused_and_said_so(project):
    run = project.record(project.LIVE)
    project.write(
        "train.py", project.LIVE + 'import urllib.request\nurllib.request.urlopen("http://198.51.100.1/x", timeout=5)\n'
    )
    run = replace(run, code=replace(run.code, commit=project.commit()))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "network" in done.results[0].note


def test_a_missing_module_is_the_machines_lack(project):
    run = project.record(project.LIVE)
    project.write("train.py", "import not_installed_anywhere\n")
    run = replace(run, code=replace(run.code, commit=project.commit()))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.INCONCLUSIVE
    assert "not_installed_anywhere is not installed" in done.results[0].note


def test_a_failing_command_diverges_with_its_last_line_made_readable(project):
    run = project.record(project.LIVE)
    project.write("train.py", "raise SystemExit('\\x1b[31mred\\x1b[0m alert')\n")
    run = replace(run, code=replace(run.code, commit=project.commit()))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "status 1" in done.results[0].note
    assert "red" in done.results[0].note
    assert "\x1b" not in done.results[0].note


def test_a_time_limit_is_inconclusive_and_leaves_no_process(project):
    run = project.record(project.LIVE)
    mark = "a-very-long-sleep-of-ours"
    project.write("train.py", f"import subprocess, time\nsubprocess.Popen(['sleep', '300', '{mark}'])\ntime.sleep(300)\n")
    quick = Reproduction(name="smoke", command=project.command, timeout=1.0)
    run = replace(run, code=replace(run.code, commit=project.commit()), reproductions=(quick,))
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.INCONCLUSIVE
    assert "still running" in done.results[0].note
    assert mark not in _all_commands()


def test_a_used_up_budget_is_inconclusive(project):
    done = project.reproduce(project.record(project.LIVE), budget=0.0)
    assert done.results[0].agreement is Agreement.INCONCLUSIVE
    assert "budget" in done.results[0].note


def test_an_output_that_is_a_link_to_the_outside_is_refused(project, tmp_path):
    project.isolation = (Isolation.NONE,)
    treasure = tmp_path / "treasure.npz"
    run = project.record(project.LIVE)
    shutil.copy(project.root / "out/weights.npz", treasure)
    project.write(
        "train.py", project.LIVE + f'os.remove("out/weights.npz"); os.symlink({str(treasure)!r}, "out/weights.npz")\n'
    )
    done = project.reproduce(replace(run, code=replace(run.code, commit=project.commit())))
    assert done.results[0].agreement is Agreement.REFUSED
    assert "leaves the workspace" in comparison(done, "file:out/weights.npz").note


def test_an_output_that_links_to_a_committed_file_is_not_made(project):
    run = project.record(project.LIVE)
    shutil.copy(project.root / "out/weights.npz", project.root / "cached.npz")
    project.write(
        "train.py", project.LIVE + 'os.remove("out/weights.npz"); os.symlink("../cached.npz", "out/weights.npz")\n'
    )
    done = project.reproduce(replace(run, code=replace(run.code, commit=project.commit())))
    assert done.results[0].agreement is Agreement.DIVERGED
    assert "before the command started" in comparison(done, "file:out/weights.npz").note


def test_a_committed_link_in_place_of_an_output_folder_leads_nowhere(project, tmp_path):
    run = project.record(project.LIVE)
    outside = tmp_path / "outside"
    outside.mkdir()
    shutil.rmtree(project.root / "out")
    (project.root / "out").symlink_to(outside)
    project.write(".gitignore", "")
    project.isolation = (Isolation.NONE,)
    done = project.reproduce(replace(run, code=replace(run.code, commit=project.commit())))
    assert list(outside.iterdir()) == []
    assert {c.agreement for c in done.results[0].comparisons if c.of.startswith("metric:")} == {Agreement.BITWISE}


def test_programs_that_ask_git_and_getpass_work(project):
    project.write("runs/old.run.yaml", "schema: x\n")
    run = project.record(
        project.LIVE + "import getpass, subprocess\nassert getpass.getuser()\nimport pwd; pwd.getpwuid(os.getuid())\n"
        "head = subprocess.check_output(['git', 'rev-parse', 'HEAD'], text=True).strip()\n"
        "dirty = subprocess.check_output(['git', 'status', '--porcelain', '--untracked-files=no'], text=True)\n"
        "assert not dirty, dirty\n"
        'm = json.load(open("out/metrics.json")); m["loss"] = int(head[:8], 16) % 1000 / 1000\n'
        'json.dump(m, open("out/metrics.json", "w"))\n'
    )
    assert project.reproduce(run).results[0].agreement is Agreement.BITWISE


def test_manifests_are_not_there_to_be_read(project):
    project.write("runs/old.run.yaml", "schema: x\n")
    project.write("secret/ledger.db", "entries")
    run = project.record(project.LIVE)
    project.write(
        "train.py",
        "import os, subprocess\nassert not os.path.exists('runs/old.run.yaml')\n"
        "assert not os.path.exists('secret/ledger.db')\n"
        "assert subprocess.call(['git', 'cat-file', '-e', 'HEAD:runs/old.run.yaml'])\n" + project.LIVE,
    )
    run = replace(run, code=replace(run.code, commit=project.commit()))
    assert project.reproduce(run, manifest_patterns=("secret/**",)).results[0].agreement is Agreement.BITWISE


def test_the_audited_repository_is_left_as_it_was(project):
    run = project.record(project.LIVE)
    before = _state(project.root)
    project.reproduce(run, liveness=True)
    assert _state(project.root) == before


def test_a_run_that_failed_is_not_executed(project):
    run = project.record(project.LIVE)
    done = project.reproduce(replace(run, run=replace(run.run, status="failed")))
    assert done.results[0].agreement is Agreement.NOT_EXERCISED


def test_an_accelerator_that_is_not_here_is_not_exercised(project):
    run = project.record(project.LIVE)
    needing = replace(run.reproductions[0], needs=Needs(accelerator=True))
    done = project.reproduce(replace(run, reproductions=(needing,)))
    assert done.results[0].agreement is Agreement.NOT_EXERCISED


def test_nothing_recorded_is_no_agreement(project):
    run = project.record(project.LIVE)
    done = project.reproduce(replace(run, reproductions=()))
    assert done.results == ()
    assert "no reproduction" in done.notes[0]


def test_the_full_tier_is_the_run_itself(project):
    run = project.record(project.LIVE)
    done = project.reproduce(replace(run, reproductions=()), tiers=(Tier.FULL,))
    assert (done.results[0].name, done.results[0].agreement) == ("full", Agreement.BITWISE)


def test_without_a_sandbox_nothing_runs_unless_allowed(project, monkeypatch):
    run = project.record(project.LIVE)
    monkeypatch.setattr(sandbox, "trial", lambda _: sandbox.Trial(reason="it is broken"))
    refused = project.reproduce(run)
    assert refused.results[0].agreement is Agreement.INCONCLUSIVE
    assert "it is broken" in refused.results[0].note
    allowed = project.reproduce(run, allow_none=True)
    assert (allowed.results[0].agreement, allowed.isolation) == (Agreement.BITWISE, "none")
    assert allowed.notes == ("not isolated: it is broken",)


def test_an_interrupt_leaves_nothing_behind(project, monkeypatch, tmp_path):
    run = project.record(project.LIVE)
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(bwrap.Bwrap, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        project.reproduce(run, liveness=True)
    assert list(folder.iterdir()) == []


def test_a_recorded_interpreter_that_is_not_here_is_replaced(project, monkeypatch):
    run = project.record(project.LIVE)
    moved = ("/home/somebody/venv/bin/python3.99", "train.py")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    smoke = replace(run.reproductions[0], command=moved)
    done = project.reproduce(replace(run, code=replace(run.code, entrypoint=moved), reproductions=(smoke,)))
    assert done.results[0].agreement is Agreement.BITWISE


def test_a_virtual_environment_in_the_repository_and_its_editable_install_work(project):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=project.root, check=True)
    (packages,) = project.root.glob(".venv/lib/python*/site-packages")
    (packages / "ours.pth").write_text(f"{project.root}/src\n")
    project.write(".gitignore", "out/\n.venv/\n")
    project.write("src/ours.py", "VALUE = 1\n")
    project.command = (str(project.root / ".venv/bin/python"), "train.py")
    project.outputs = ("out/metrics.json",)
    run = project.record(
        "import json, os, sys, ours\nos.makedirs('out', exist_ok=True)\n"
        "assert sys.prefix.endswith('.venv'), sys.prefix\n"
        "json.dump({'loss': ours.VALUE / 7}, open('out/metrics.json', 'w'))\n"
    )
    project.write("src/ours.py", "VALUE = 2\n")  # not committed: what is installed is not what was recorded
    done = project.reproduce(run)
    assert done.results[0].agreement is Agreement.BITWISE, done


def test_control_c_ends_the_command_and_leaves_nothing_behind(project, tmp_path):
    project.write("train.py", "import subprocess\nprint(flush=True)\nsubprocess.run(['sleep', '303.25'])\n")
    (tmp_path / "temporary").mkdir()
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom auditor.git import Repository\n"
        "from auditor.model.run import *\nfrom auditor.reproduce.reproduce import Request, reproduce\n"
        "command = (sys.executable, 'train.py')\n"
        "run = Run(schema='x', run=RunInfo(id='r', status='succeeded'), code=Code(commit=sys.argv[2], entrypoint=command),\n"
        "    reproductions=(Reproduction(name='smoke', command=command),))\n"
        "reproduce(Request(run=run, repository=Repository(Path(sys.argv[1])), commit=sys.argv[2]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script), str(project.root), project.commit()],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while "303.25" not in _all_commands() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list((tmp_path / "temporary").iterdir())
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    assert list((tmp_path / "temporary").iterdir()) == []
    assert "303.25" not in _all_commands()


def _state(root: Path):
    quiet = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}

    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True, env=quiet).stdout

    files = {p.relative_to(root): p.stat().st_mtime_ns for p in sorted(root.rglob("*")) if p.is_file()}
    return git("status", "--porcelain"), git("worktree", "list"), git("for-each-ref"), files


def _all_commands() -> str:
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)
