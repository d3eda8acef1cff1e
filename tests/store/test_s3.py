from __future__ import annotations

import warnings

import pytest

from auditor import digest
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import Artifact
from auditor.model.words import EvidenceLevel
from auditor.store.base import StoreError
from auditor.store.fetch import fetch
from auditor.store.stores import Stores

# Services' libraries close their sessions when the interpreter ends, which is none of a test's business.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


RAW = b"weights\n" * 1000
VALUE = digest.of_bytes(RAW)
HEX = VALUE.removeprefix("sha256:")


@pytest.fixture
def bucket(s3, request):
    """A new bucket of the running server, and the client to fill it with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # botocore's own deprecations
        import boto3  # noqa: PLC0415  (imported where its warnings are known)

        client = boto3.client("s3")
    name = f"bucket-{abs(hash(request.node.name)) % 10**10}"
    client.create_bucket(Bucket=name)

    def put(key: str, raw: bytes, **more: str) -> str:
        client.put_object(Bucket=name, Key=key, Body=raw, **more)
        return f"s3://{name}/{key}"

    put.name, put.client = name, client
    return put


def stores(bucket) -> Stores:
    return Stores({"main": f"s3://{bucket.name}/kept"}, patience=20)


@pytest.mark.parametrize("layout", [f"sha256/{HEX}", HEX, f"{HEX[:2]}/{HEX}"])
def test_found_by_digest_downloaded_and_hashed(bucket, looking, layout):
    bucket(f"kept/{layout}", RAW)
    artifact = Artifact(name="model", uri="s3://elsewhere/model.npz", digest=VALUE, size=len(RAW))
    found = looking(stores(bucket)).locate(artifact)
    assert (found.where, found.level, found.size) == ("store main", EvidenceLevel.RECOMPUTED, len(RAW))
    assert found.file.read_bytes() == RAW


def test_checksum_that_s3_computed_makes_a_download_unnecessary(bucket, looking):
    bucket(f"kept/{HEX}", RAW, ChecksumAlgorithm="SHA256")
    artifact = Artifact(name="model", uri="s3://elsewhere/model.npz", digest=VALUE)
    looked = looking(stores(bucket))
    found = looked.locate(artifact)
    assert (found.level, found.file) == (EvidenceLevel.CONSISTENT, None)
    assert found.where == "store main, by its own checksum"
    file = looked.file(artifact)
    assert (file.suffix, file.read_bytes()) == (".npz", RAW)


def test_checksum_of_an_upload_in_parts_proves_nothing(bucket):
    key = f"kept/{HEX}"
    where = {"Bucket": bucket.name, "Key": key}
    upload = bucket.client.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]
    part = bucket.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=RAW, ChecksumAlgorithm="SHA256")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1, "ChecksumSHA256": part["ChecksumSHA256"]}]}
    bucket.client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    (found,) = stores(bucket).find(VALUE)
    assert (found.proven, found.level) == (None, EvidenceLevel.DECLARED)


def test_other_bytes_under_the_digest_are_no_evidence(bucket, looking):
    bucket(f"kept/{HEX}", b"other bytes\n")
    with pytest.raises(Inconclusive, match=r"store main: .* holds other bytes than its name says"):
        looking(stores(bucket)).locate(Artifact(name="model", uri="s3://x/y", digest=VALUE))


def test_address_below_the_store_is_read_and_other_bytes_there_are_found(bucket, looking):
    uri = bucket("kept/run/model.npz", b"nudged\n")
    artifact = Artifact(name="model", uri=uri, digest=VALUE)
    found = looking(stores(bucket)).locate(artifact)
    assert (found.digest, found.path) == (digest.of_bytes(b"nudged\n"), uri)
    with pytest.raises(Inconclusive, match="does not have the declared digest"):
        looking(stores(bucket)).file(artifact)


@pytest.mark.parametrize("key", ["outside/model.npz", "kept/../outside/model.npz", "kept%2F..%2Foutside/model.npz"])
def test_address_outside_the_store_is_not_asked_for(bucket, looking, key):
    bucket("outside/model.npz", RAW)
    asked = stores(bucket)
    assert asked.at(f"s3://{bucket.name}/{key}") is None
    with pytest.raises(Inconclusive, match=r"no store \(main\) has them"):
        looking(asked).locate(Artifact(name="m", uri=f"s3://{bucket.name}/{key}", digest=VALUE))


def test_more_bytes_than_declared_are_not_downloaded(bucket, looking):
    bucket(f"kept/{HEX}", RAW)
    with pytest.raises(Inconclusive, match="has 8000 bytes, where 10 are declared"):
        looking(stores(bucket)).locate(Artifact(name="m", uri="s3://x/y", digest=VALUE, size=10))


def test_bucket_that_is_not_there_is_a_reason(s3, looking):
    none = Stores({"main": "s3://no-such-bucket/kept"})
    with pytest.raises(Inconclusive, match=r"no store \(main\) has them"):
        looking(none).locate(Artifact(name="m", uri="s3://x/y", digest=VALUE))


def test_object_that_goes_away_is_a_reason(bucket, tmp_path):
    bucket(f"kept/{HEX}", RAW)
    (found,) = stores(bucket).find(VALUE)
    bucket.client.delete_object(Bucket=bucket.name, Key=f"kept/{HEX}")
    with pytest.raises(StoreError, match="cannot be read"):
        fetch(found, tmp_path, size=None)
    assert list(tmp_path.iterdir()) == []
