from __future__ import annotations

import os
import sys
from urllib.parse import quote

import pytest

from auditor import digest
from auditor.store.base import StoreError, below
from auditor.store.fetch import fetch
from auditor.store.folder import FolderStore
from auditor.store.stores import Stores

RAW = b"1,2\n"
VALUE = digest.of_bytes(RAW)
HEX = VALUE.removeprefix("sha256:")


@pytest.fixture
def kept(tmp_path):
    root = tmp_path / "a store"
    root.mkdir()
    return root


def put(root, name: str, raw: bytes = RAW):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def store(root) -> FolderStore:
    return FolderStore("main", f"file://{quote(str(root))}")


@pytest.mark.parametrize("layout", [f"sha256/{HEX}", HEX, f"{HEX[:2]}/{HEX}"])
def test_found_by_digest_in_every_layout(kept, layout):
    path = put(kept, layout)
    found = store(kept).find(VALUE)
    assert (found.file, found.size, found.proven) == (path, len(RAW), None)
    with found.open() as stream:
        assert stream.read(100) == RAW


def test_what_is_not_there_is_none(kept):
    assert store(kept).find(VALUE) is None
    put(kept, f"files/md5/{HEX[:2]}/{HEX[2:]}")  # a DVC cache: names that are no sha256
    assert store(kept).find(VALUE) is None


def test_link_out_of_the_store_is_refused(kept, tmp_path):
    secret = put(tmp_path, "secret")
    (kept / HEX).symlink_to(secret)
    with pytest.raises(StoreError, match="no regular file of the store"):
        store(kept).find(VALUE)


def test_link_within_the_store_is_followed(kept):
    (kept / HEX).symlink_to(put(kept, "objects/one"))
    assert store(kept).find(VALUE).file == kept / "objects/one"


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), os.mkfifo])
def test_what_is_no_regular_file_is_refused(kept, make):
    make(kept / HEX)
    with pytest.raises(StoreError, match="no regular file"):
        store(kept).find(VALUE)


def test_folder_that_is_not_there_is_a_reason(tmp_path):
    asked = Stores({"main": f"file://{tmp_path}/none"})
    assert asked.find(VALUE) == []
    assert "is no folder of this machine" in asked.failures[0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data/store", "is no URL"),
        ("file:relative", "is no URL"),
        ("http://[::1", "is no URL"),
        ("simplecache::s3://bucket/x", "is no URL"),
        ("file://host/store", "names no folder of this machine"),
        ("file:///store?query", "names no folder of this machine"),
        ("s3://who:knows@bucket/x", "holds credentials"),
        ("nosuchprotocol://bucket/x", "cannot be read"),
    ],
)
def test_address_that_cannot_be_opened_is_a_reason(url, words):
    asked = Stores({"main": url})
    assert asked.find(VALUE) == []
    assert words in asked.failures[0]
    assert "knows" not in asked.failures[0]


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/x", "s3"), ("gs://bucket/x", "stores")])
def test_library_that_is_missing_is_named(monkeypatch, url, extra):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    asked = Stores({"main": url})
    assert asked.find(VALUE) == []
    assert f"pip install 'ml-run-auditor[{extra}]'" in asked.failures[0]


def test_one_store_that_fails_does_not_hide_another(kept, tmp_path):
    put(kept, HEX)
    asked = Stores({"a": f"file://{tmp_path}/none", "b": f"file://{quote(str(kept))}"})
    assert [found.store for found in asked.find(VALUE)] == ["b"]
    assert len(asked.failures) == 1


@pytest.mark.parametrize(
    ("address", "rest"),
    [
        ("s3://b/kept/a/b.npz", "a/b.npz"),
        ("s3://b/kept/..a", "..a"),
        ("s3://b/kept", None),
        ("s3://b/kept/", None),
        ("s3://b/keptother/a", None),
        ("s3://b/kept/../x", None),
        ("s3://b/kept/./x", None),
        ("s3://b/kept//x", None),
        ("s3://b/kept/%2e%2e/x", None),
        ("s3://b/kept/x?versionId=1", None),
        ("s3://b/kept/x#y", None),
        ("s3://b/kept/..\\x", None),
        ("s3://b/kept/a::s3://c/x", None),
        ("file:///etc/passwd", None),
        ("S3://b/kept/x", None),
    ],
)
def test_address_below_a_root(address, rest):
    assert below("s3://b/kept", address) == rest
    assert below("s3://b/kept/", address) == rest


def test_fetch_is_bounded_by_what_is_declared(kept, tmp_path):
    put(kept, HEX)
    found = store(kept).find(VALUE)
    path, value, size = fetch(found, tmp_path, size=4)
    assert (path.read_bytes(), value, size) == (RAW, VALUE, 4)
    with pytest.raises(StoreError, match="has 4 bytes, where 3 are declared"):
        fetch(found, tmp_path, size=3)


def test_file_that_grows_while_it_is_read_is_refused(kept, tmp_path):
    path = put(kept, HEX)
    found = store(kept).find(VALUE)
    path.write_bytes(RAW * 2)
    with pytest.raises(StoreError, match="returned more than the 4 bytes"):
        fetch(found, tmp_path, size=None)
    assert not list(tmp_path.glob("tmp*"))
