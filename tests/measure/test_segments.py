# ruff: noqa: ARG005  (each spoiler takes the claims and the repository)
from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from auditor.commitment.leaves import SCHEMA, Leaves, gather
from auditor.record.checkpoints import commit


def challenged(repo, *, segments=1, exits=(0,)):
    answer = repo.auditor(
        "reproduce", repo.manifest, "--tier", "segment", "--challenge", str(segments), "--format", "json"
    ).expect(*exits)
    (run,) = answer.json()["runs"]
    (result,) = run["reproductions"]
    return result


def recommit(repo, change):
    """Do something to the checkpoints and commit to the outcome, as a forger who knows the format would."""
    folder = repo.root / "out/checkpoints"
    change(folder)
    committed, problem = commit(repo.root, "out/checkpoints")
    assert committed is not None, problem
    path = repo.claims()["checkpoints"]["leaves"]["path"]
    repo.write(path, committed.text)

    def claim(claims):
        made = committed.claim(path)
        claims["checkpoints"] |= {"root": made.root, "count": made.count}
        claims["checkpoints"]["leaves"]["digest"] = made.leaves.digest
        claims["checkpoints"]["trace"]["digest"] = made.trace.digest

    repo.edit(claim)


def edit(folder, step, change):
    path = folder / f"step-{step:08d}.npz"
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    np.savez(path, **arrays)


def test_a_run_records_its_commitment(stepwise):
    claims = stepwise.claims()["checkpoints"]
    leaves, lines = gather(stepwise.root, "out/checkpoints")
    assert claims["root"] == leaves.root
    assert (claims["count"], claims["interval"], len(lines)) == (9, 10, 80)
    listed = json.loads(stepwise.read(claims["leaves"]["path"]))
    assert listed["schema"] == SCHEMA
    assert [leaf["step"] for leaf in listed["leaves"]] == list(range(0, 90, 10))


def test_an_honest_run_agrees_and_the_report_states_a_bound(repo):
    result = challenged(repo, segments=5)
    assert result["agreement"] == "bitwise"
    of = [c["of"] for c in result["comparisons"]]
    assert {"segment:0", "segment:7", "tensor:out/model.npz#"} <= set(of)
    clean = int(re.search(r"\((\d+) drawn", result["note"])[1]) if "drawn ones" in result["note"] else None
    assert "drawn by the verifier's key" in result["note"]
    assert clean == 5
    assert "at most 45.1% of the segments are fabricated" in result["note"]
    assert "verified" not in result["note"].replace("verifier", "")
    # The same root gives the same challenge, another key another one.
    again = challenged(repo, segments=5)
    assert [c["of"] for c in again["comparisons"]] == of


def test_without_a_key_the_challenge_is_local_and_repeats_itself(repo):
    del repo.extra["AUDITOR_CHALLENGE_KEY"]
    assert "challenge: local" in challenged(repo)["note"]
    key = repo.root / ".git/auditor/challenge.key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_bytes()
    challenged(repo)
    assert key.read_bytes() == before


def test_a_short_key_is_refused(repo):
    repo.extra["AUDITOR_CHALLENGE_KEY"] = "short"
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "segment").expect(2)
    assert "AUDITOR_CHALLENGE_KEY" in answer.stderr


@pytest.mark.parametrize(
    ("step", "part", "change", "words"),
    [
        (80, "weights/w1", lambda a: a + np.float32(1e-3), "update error"),
        (80, "optimizer/w2", np.zeros_like, "optimizer"),
        (80, "rng/state", lambda a: a[::-1].copy(), "random generators"),
        (0, "weights/w2", lambda a: a * np.float32(1.01), "training began with other weights"),
    ],
)
def test_a_doctored_end_of_the_trajectory_is_caught(repo, step, part, change, words):
    recommit(repo, lambda folder: edit(folder, step, lambda arrays: arrays.update({part: change(arrays[part])})))
    result = challenged(repo, exits=(1,))
    assert result["agreement"] == "diverged"
    assert any(words in str(c["note"]) for c in result["comparisons"] if c["agreement"] == "diverged"), result["comparisons"]


def test_published_weights_must_be_those_of_the_last_checkpoint(repo):
    def swap(claims):
        with np.load(repo.root / "out/model.npz") as archive:
            arrays = {name: archive[name] * 1.5 for name in archive.files}
        np.savez(repo.root / "out/model.npz", **arrays)
        artifact = next(a for a in claims["artifacts"] if a["role"] == "weights")
        from auditor import digest  # noqa: PLC0415

        artifact["digest"], artifact["size"] = digest.of_file(repo.root / "out/model.npz")

    repo.edit(swap)
    result = challenged(repo, exits=(1,))
    (published,) = [c for c in result["comparisons"] if c["of"].startswith("tensor:")]
    assert published["agreement"] == "diverged"


def test_a_claimed_loss_that_was_not_measured_is_caught(repo):
    def improve(folder):
        lines = [json.loads(line) for line in (folder / "trace.jsonl").read_text().splitlines()]
        for line in lines:
            line["metrics"]["loss"] *= 0.9
        (folder / "trace.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    recommit(repo, improve)
    result = challenged(repo, exits=(1,))
    assert "claims loss" in next(c["note"] for c in result["comparisons"] if c["agreement"] == "diverged")


def test_hyperparameters_are_held_to_the_policy(repo):
    repo.policy(lambda policy: policy.update(segments={"bounds": {"learning_rate": {"minimum": 0.1}}}))
    result = challenged(repo, exits=(1,))
    (broken,) = [c for c in result["comparisons"] if c["of"] == "hyperparameters"]
    assert "learning_rate is 0.05, the policy allows 0.1" in broken["note"]


def spoil_root(claims, repo):
    claims["checkpoints"]["root"] = "sha256:" + "ab" * 32


def spoil_count(claims, repo):
    claims["checkpoints"]["count"] = 12


def relist(repo, claims, change):
    path = claims["checkpoints"]["leaves"]["path"]
    listed = json.loads(repo.read(path))
    change(listed["leaves"])
    text = json.dumps(listed)
    repo.write(path, text)
    from auditor import digest  # noqa: PLC0415

    claims["checkpoints"]["leaves"]["digest"] = digest.of_bytes(text.encode())


@pytest.mark.parametrize(
    ("spoil", "agreement", "words"),
    [
        (spoil_root, "diverged", "Merkle root"),
        (spoil_count, "diverged", "the manifest claims 12"),
        (lambda c, r: relist(r, c, lambda found: found.insert(3, found[3])), "refused", "repeated or out of order"),
        (lambda c, r: relist(r, c, list.reverse), "refused", "not of the start"),
        (lambda c, r: relist(r, c, lambda found: found.pop(4)), "diverged", "Merkle root"),
        (lambda c, r: relist(r, c, list.clear), "refused", "empty"),
        (lambda c, r: (r.root / "out/checkpoints/step-00000080.npz").unlink(), "inconclusive", "missing"),
        (
            lambda c, r: (r.root / "out/checkpoints/step-00000080.npz").write_bytes(
                (r.root / "out/checkpoints/step-00000080.npz").read_bytes()[:500]
            ),
            "inconclusive",
            "missing",
        ),
        (lambda c, r: c.pop("checkpoints"), "inconclusive", "auditor.steps"),
    ],
)
def test_broken_claims_are_told_apart(repo, spoil, agreement, words):
    repo.edit(lambda claims: spoil(claims, repo))
    result = challenged(repo, exits=(1, 4))
    assert result["agreement"] == agreement
    assert words in str(result)


def not_finite(folder):
    edit(folder, 80, lambda arrays: arrays.update({"weights/b1": np.full_like(arrays["weights/b1"], np.nan)}))


def test_numbers_that_are_not_finite_are_no_weights(repo):
    recommit(repo, not_finite)
    assert "not finite" in str(challenged(repo, exits=(1,)))


def test_checkpoints_of_another_run_do_not_continue(repo):
    """One end of the last segment comes from a run with another seed: glued on, and committed to."""

    def glue(folder):
        edit(
            folder,
            80,
            lambda arrays: arrays.update({n: a * np.float32(1.3) for n, a in arrays.items() if n.startswith("w")}),
        )

    recommit(repo, glue)
    assert challenged(repo, exits=(1,))["agreement"] == "diverged"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "step-00000000.npz").unlink(), "step 0"),
        (lambda folder: (folder / "step-00000010.npz").write_bytes(b"\x80\x04x"), "pickle"),
        (lambda folder: (folder / "copy.npz").write_bytes((folder / "step-00000010.npz").read_bytes()), "both of step 10"),
        (
            lambda folder: (folder / "trace.jsonl").write_text(
                "".join(
                    line + "\n" for line in (folder / "trace.jsonl").read_text().splitlines() if '"step": 7,' not in line
                )
            ),
            "gap",
        ),
        (lambda folder: (folder / "trace.jsonl").write_text("{}\n"), "cannot be read"),
        (lambda folder: (folder / "trace.jsonl").unlink(), "trace"),
    ],
)
def test_what_cannot_be_committed_to_is_said_and_the_run_recorded_without(repo, spoil, words):
    spoil(repo.root / "out/checkpoints")
    committed, why = commit(repo.root, "out/checkpoints")
    assert committed is None
    assert words in why


def test_a_command_that_ignores_the_protocol_is_not_exercised(stepwise, tmp_path):
    repo = stepwise.copy(tmp_path / "repository")
    repo.replace("steps.py", 'os.environ.get("AUDITOR_OUT", folder)', "folder")
    repo.commit("Ignore the folder")
    repo.edit(
        lambda claims: claims["code"].update(commit=repo.git("rev-parse", "HEAD"), tree=repo.git("rev-parse", "HEAD^{tree}"))
    )
    result = challenged(repo, exits=(4,))
    assert result["agreement"] == "not-exercised"
    assert "ignored that" in str(result["comparisons"])


def test_a_fewer_segments_than_asked_for_are_all_replayed(repo):
    result = challenged(repo, segments=100)
    assert "every segment was replayed" in result["note"]
    assert sum(c["of"].startswith("segment:") for c in result["comparisons"]) == 8


def test_leaves_are_what_the_root_is_over(stepwise):
    leaves, _ = gather(stepwise.root, "out/checkpoints")
    turned = Leaves(schema=leaves.schema, leaves=leaves.leaves[::-1])
    assert turned.root != leaves.root


def test_every_root_that_was_challenged_for_the_same_training_is_counted(repo):
    assert "root number" not in challenged(repo)["note"]
    assert "root number" not in challenged(repo)["note"]  # the same root again is no new try
    recommit(repo, lambda folder: edit(folder, 40, lambda arrays: arrays.update({"weights/b1": arrays["weights/b1"] + 1})))
    assert "root number 2 that was challenged" in challenged(repo, exits=(0, 1))["note"]
    repo.edit(lambda claims: claims["run"].update(purpose="reworded"))
    assert "root number 2 that was challenged" in challenged(repo, exits=(0, 1))["note"]


def test_nothing_is_replayed_once_a_cheaper_tier_diverged(repo):
    def boast(claims):
        for each in claims["reproductions"]:
            for metric in each.get("expect", {}).get("metrics", []):
                metric["value"] += 1.0

    repo.edit(boast)
    answer = repo.auditor("reproduce", repo.manifest, "--tier", "smoke", "--tier", "segment", "--format", "json").expect(1)
    found = {each["tier"]: each for each in answer.json()["runs"][0]["reproductions"]}
    assert found["smoke"]["agreement"] == "diverged"
    assert found["segment"]["agreement"] == "not-exercised"
    assert "smoke came to diverged already" in found["segment"]["note"]


def long(repo, *, recorded="Haswell", replayed="Sandybridge"):
    """Record one long segment at a high learning rate, on other kernels: rounding has grown when it ends."""
    for old, new in (("steps: 80", "steps: 100"), ("every: 10", "every: 100"), ("rate: 0.05", "rate: 0.5")):
        repo.replace("conf/base.yaml", old, new)
    repo.git("rm", "--quiet", "--force", repo.manifest)
    repo.commit("Train faster")
    key = repo.extra.copy()
    repo.extra |= {"OPENBLAS_CORETYPE": recorded, "OPENBLAS_NUM_THREADS": "1"}
    repo.record()
    repo.extra.clear()
    repo.extra |= key
    # Two machines, whatever this one is: what is replayed computes like a third.
    repo.edit(lambda claims: claims["environment"]["variables"].update(OPENBLAS_CORETYPE=replayed))


@pytest.mark.parametrize(
    ("recorded", "replayed", "words"),
    [
        ("Haswell", "Sandybridge", "in double precision the claim is off by"),
        # Here the replay is so close to the exact one that its noise explains nothing of the claim's.
        ("Sandybridge", "Haswell", "a rounding error at the start causes"),
    ],
)
def test_the_grey_zone_is_settled_in_double_precision_or_by_twins(repo, recorded, replayed, words):
    long(repo, recorded=recorded, replayed=replayed)
    result = challenged(repo)
    (segment,) = [c for c in result["comparisons"] if c["of"] == "segment:0"]
    assert segment["agreement"] == "within-tolerance"
    assert segment["excess"] > 1
    assert words in segment["note"]


def test_twins_settle_the_grey_zone_of_a_program_that_computes_in_one_precision(repo):
    repo.replace("train.py", 'precision("float32")', '"float32"')
    repo.replace("train.py", "from steps import Steps, precision", "from steps import Steps")
    long(repo)
    (segment,) = [c for c in challenged(repo)["comparisons"] if c["of"] == "segment:0"]
    assert segment["agreement"] == "within-tolerance"
    assert "a rounding error at the start causes" in segment["note"]


def test_a_forgery_of_grey_size_has_no_noise_to_hide_in(repo):
    """The last weights are moved by a thousandth of what the segment trained: more than rounding, less than the gate."""

    def move(arrays):
        with np.load(repo.root / "out/checkpoints/step-00000070.npz") as before:
            for name in [name for name in arrays if name.startswith("weights/")]:
                coin = np.random.default_rng(1).choice([-1.0, 1.0], arrays[name].shape)
                size = np.abs(arrays[name] - before[name]).mean()
                arrays[name] = (arrays[name] + 5e-4 * size * coin).astype(np.float32)

    recommit(repo, lambda folder: edit(folder, 80, move))
    (last,) = [c for c in challenged(repo, exits=(1,))["comparisons"] if c["of"] == "segment:7"]
    assert 1 < last["excess"] < 10
    assert last["agreement"] == "diverged"


def test_a_verifier_that_was_killed_draws_the_same_again(repo, stepwise, tmp_path):
    """Somebody who may kill the verifier gains no second draw, and the root is no new one."""
    command = [sys.executable, "-m", "auditor", "reproduce", repo.manifest, "--tier", "segment", "--challenge", "3"]
    with subprocess.Popen(command, cwd=repo.root, env=repo.env | repo.extra, stdout=subprocess.DEVNULL) as verifier:
        deadline = time.monotonic() + 60
        while "challenge" not in repo.auditor("ledger", "log").stdout and time.monotonic() < deadline:
            time.sleep(0.05)
        assert verifier.poll() is None, "it ended before it could be killed"
        verifier.kill()
    undisturbed = stepwise.copy(tmp_path / "undisturbed")
    undisturbed.extra |= stepwise.extra
    again, once = challenged(repo, segments=3), challenged(undisturbed, segments=3)
    assert [c["of"] for c in again["comparisons"]] == [c["of"] for c in once["comparisons"]]
    assert "root number" not in again["note"]


def test_tiny_updates_of_adam_are_no_forgery_on_other_kernels(project):
    """Near convergence an update is a few hundred rounding errors of the weights: noise has to be measured, not guessed."""
    repo = project("torch", "started")
    repo.replace("conf/base.yaml", "learning_rate: 0.01", "learning_rate: 1.0e-6")
    repo.replace("conf/base.yaml", "steps: 40", "steps: 20")
    repo.commit("Hardly move")
    kernels = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    repo.extra |= kernels
    repo.record()
    repo.extra.clear()

    def unasked(claims):
        known = claims["environment"]["variables"]
        claims["environment"]["variables"] = {name: value for name, value in known.items() if name not in kernels}

    repo.edit(unasked)
    assert challenged(repo)["agreement"] in {"bitwise", "within-tolerance"}
    # A last update that is a tenth too large is small, and no rounding.

    def stretch(arrays):
        with np.load(repo.root / "out/checkpoints/step-00000010.npz") as before:
            for name in [name for name in arrays if name.startswith("weights/")]:
                arrays[name] = before[name] + np.float32(1.1) * (arrays[name] - before[name])

    recommit(repo, lambda folder: edit(folder, 20, stretch))
    (last,) = [c for c in challenged(repo, exits=(1,))["comparisons"] if c["of"] == "segment:1"]
    assert last["agreement"] == "diverged"
    assert "update error" in last["note"]
