from __future__ import annotations

import json

import pytest

from auditor import digest
from auditor.store import trees
from auditor.store.put import put

VALUE = digest.of_bytes(b"x")
ENTRY = trees.Entry("a/b", 1, VALUE)


def test_a_folder_is_put_file_by_file_and_found_by_the_digest_of_the_whole(tmp_path):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "ü").write_bytes(b"x")
    (tmp_path / "folder" / "a").write_bytes(b"yy")
    (one,) = put((tmp_path / "kept").as_uri(), [tmp_path / "folder"])
    assert one.digest == digest.of_tree([("deep/ü", 1, VALUE), ("a", 2, digest.of_bytes(b"yy"))])
    assert one.digest == trees.digest_of(tmp_path / "folder")
    listing = (tmp_path / "kept" / "sha256" / one.digest.removeprefix("sha256:")).read_bytes()
    assert [entry.path for entry in trees.read(listing)] == ["a", "deep/ü"]
    assert len(list((tmp_path / "kept" / "sha256").iterdir())) == 3


@pytest.mark.parametrize(
    "rows",
    [
        [["../a", 1, VALUE]],
        [["/a", 1, VALUE]],
        [["a//b", 1, VALUE]],
        [["./a", 1, VALUE]],
        [["", 1, VALUE]],
        [["a\0", 1, VALUE]],
        [["a", -1, VALUE]],
        [["a", 1, VALUE], ["a", 1, VALUE]],
        [["a", 1, VALUE], ["a/b", 1, VALUE]],
        [["b", 1, VALUE], ["a", 1, VALUE]],
        [["a", 1]],
        {"a": 1},
        "a",
    ],
)
def test_a_list_that_no_folder_has_is_refused(rows):
    with pytest.raises(ValueError, match=r"list|folder"):
        trees.read(json.dumps(rows, separators=(",", ":")).encode())


def test_what_is_written_is_read():
    assert trees.read(trees.listed([ENTRY])) == (ENTRY,)
    with pytest.raises(ValueError, match="canonical"):
        trees.read(trees.listed([ENTRY]) + b"\n")
