"""An image that was here and is gone is named with its runs; one that never was here is held against nobody."""

from __future__ import annotations

import subprocess

from past import claims, text_of

from auditor.reproduce.sandbox import container


def image_result(repo):
    report = repo.auditor("gate", "history", "--format", "json").json()
    (result,) = [r for r in report["results"] if r["check"] == "environment/vanished-image"]
    return result, report["verdict"]


def housed(repo, image):
    repo.write("train.py", "pass\n")
    commit = repo.commit()
    value = claims(1)
    for key in ("configuration", "observed", "data", "artifacts", "metrics", "reproductions"):
        value.pop(key, None)
    value["code"] = {"commit": commit, "entrypoint": ["python", "train.py"]}
    value["environment"]["container"] = {"image": image}
    repo.write("runs/1.run.json", text_of(value, "json"))
    repo.commit()


def test_an_image_that_was_here_and_is_gone_is_named(repository, image):
    housed(repository, image)
    assert image_result(repository)[0]["outcome"] == "passed"
    engine, _ = container.find()
    subprocess.run(engine.command("rmi", "--force", image.partition("@")[0] + ":1"), check=True, capture_output=True)
    for _ in range(2):
        result, _ = image_result(repository)
        assert (result["outcome"], result["severity"]) == ("failed", "major")
        assert image in result["findings"][0]["message"]
        assert "run-000001" in result["findings"][0]["message"]


def test_an_image_that_never_was_here_is_held_against_nobody(repository):
    housed(repository, f"localhost/nobody@sha256:{64 * 'a'}")
    for _ in range(2):
        result, verdict = image_result(repository)
        assert (result["outcome"], result["severity"], verdict) == ("inconclusive", "minor", "open")
        assert "no audit here ever saw it" in result["reason"]


def test_a_name_that_is_no_image_is_never_given_to_a_program(repository):
    housed(repository, f"--help@sha256:{64 * 'a'}")
    report = repository.auditor("gate", "history", "--format", "json").json()
    assert not [r for r in report["results"] if r["check"] == "environment/vanished-image"]
