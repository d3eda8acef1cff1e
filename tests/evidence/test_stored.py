from __future__ import annotations

import os

import pytest

from auditor import digest
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Artifact
from auditor.model.words import EvidenceLevel
from auditor.store.stores import Stores

RAW = b"weights\n"
VALUE = digest.of_bytes(RAW)
HEX = VALUE.removeprefix("sha256:")


@pytest.fixture
def kept(tmp_path):
    root = tmp_path / "kept"
    root.mkdir()
    return root


def looking(checkout, kept, *, commit: str | None = None):
    made = checkout.claimed(commit)
    made.stores = Stores({"main": f"file://{kept}"})
    return made


def artifact(**more) -> Artifact:
    return Artifact(name="model", **({"digest": VALUE} | more))


def test_tree_and_working_tree_come_before_the_stores(checkout, kept):
    checkout.put("out/model.npz", RAW)
    (kept / HEX).write_bytes(RAW)
    head = checkout.commit()
    claim = artifact(path="out/model.npz")
    assert looking(checkout, kept, commit=head).locate(claim).where == "judged commit"
    assert looking(checkout, kept).locate(claim).where == "working tree"


def test_other_bytes_in_the_tree_are_not_excused_by_a_store(checkout, kept):
    checkout.put("out/model.npz", b"nudged\n")
    (kept / HEX).write_bytes(RAW)
    assert looking(checkout, kept).locate(artifact(path="out/model.npz")).digest == digest.of_bytes(b"nudged\n")


def test_store_serves_what_is_nowhere_else(checkout, kept):
    (kept / HEX).write_bytes(RAW)
    looked = looking(checkout, kept, commit=checkout.commit())
    found = looked.locate(artifact(path="out/model.npz"))
    assert (found.where, found.path, found.level) == ("store main", "out/model.npz", EvidenceLevel.RECOMPUTED)
    assert looked.file(artifact(path="out/model.npz")).suffix == ".npz"
    assert looked.locate(artifact()).digest == VALUE  # found by digest alone


def test_nowhere_names_the_stores(checkout, kept):
    with pytest.raises(Inconclusive, match=r"nor in the working tree; no store \(main\) has them"):
        looking(checkout, kept).locate(artifact(path="out/model.npz"))


def test_store_with_other_bytes_is_no_evidence_for_or_against(checkout, kept):
    (kept / HEX).write_bytes(b"other\n")
    with pytest.raises(Inconclusive, match="holds other bytes than its name says"):
        looking(checkout, kept).locate(artifact())


def test_address_counts_only_below_a_store(checkout, kept, tmp_path):
    (tmp_path / "secret").write_bytes(RAW)
    (kept / "run").mkdir()
    (kept / "run" / "model.npz").write_bytes(RAW)
    looked = looking(checkout, kept)
    assert looked.locate(artifact(uri=f"file://{kept}/run/model.npz")).where == "store main"
    for uri in (
        f"file://{tmp_path}/secret",
        f"file://{kept}/../secret",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
    ):
        with pytest.raises(Inconclusive):
            looking(checkout, kept).locate(artifact(uri=uri))


def test_mount_counts_only_inside_the_tree_or_a_store(checkout, kept, tmp_path):
    (tmp_path / "secret").write_bytes(RAW)
    (kept / "seen.npz").write_bytes(RAW)
    inside = checkout.put("data/seen.npz", RAW)
    assert looking(checkout, kept).locate(artifact(mount=str(kept / "seen.npz"))).where == "store main, where the run saw it"
    assert looking(checkout, kept).locate(artifact(mount=str(inside))).where == "working tree, where the run saw it"
    (kept / "out").symlink_to(tmp_path)
    for mount in (tmp_path / "secret", kept / "out/secret", f"{kept}/../secret", "seen.npz", "/a\0b", "/dev/zero"):
        with pytest.raises(Inconclusive):
            looking(checkout, kept).locate(artifact(mount=str(mount)))


def test_link_into_a_store_is_followed(checkout, kept):
    (kept / "seen.npz").write_bytes(RAW)
    (checkout.root / "model.npz").symlink_to(kept / "seen.npz")
    found = looking(checkout, kept).locate(artifact(path="model.npz"))
    assert (found.where, found.digest) == ("store main, through a symbolic link", VALUE)


def test_pointer_without_its_object_is_read_from_a_store(checkout, kept):
    checkout.put("model.npz", f"version https://git-lfs.github.com/spec/v1\noid sha256:{HEX}\nsize {len(RAW)}\n")
    looked = looking(checkout, kept)
    assert looked.locate(artifact(path="model.npz")).level is EvidenceLevel.CONSISTENT
    with pytest.raises(Inconclusive, match="git lfs pull"):
        looked.file(artifact(path="model.npz"))
    (kept / HEX).write_bytes(RAW)
    assert looking(checkout, kept).file(artifact(path="model.npz")).read_bytes() == RAW


def test_store_that_cannot_be_opened_is_named(checkout, tmp_path):
    looked = checkout.claimed(None)
    looked.stores = Stores({"main": f"file://{tmp_path}/none"})
    with pytest.raises(Inconclusive, match=r"store main: .*/none is no folder of this machine"):
        looked.locate(artifact(uri="s3://bucket/model.npz"))


def test_large_files_are_hashed_side_by_side_and_once(checkout, kept, monkeypatch):
    raw = os.urandom(5 << 20)
    claims = [Artifact(name=name, path=name, digest=digest.of_bytes(raw)) for name in ("a", "b", "c")]
    for claim in claims:
        checkout.put(claim.path, raw)
    looked = checkout.claimed(None)
    looked.expected = claims
    read, real = [], digest.of_stream
    monkeypatch.setattr(digest, "of_stream", lambda stream: read.append(stream.name) or real(stream))
    looked.locate(claims[0])
    assert len(read) == 3
    assert {looked.locate(claim).digest for claim in claims} == {digest.of_bytes(raw)}
    assert len(read) == 3
