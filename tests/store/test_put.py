from __future__ import annotations

import datetime as dt
import warnings

import pytest

from auditor.digest import of_bytes
from auditor.errors import EmptySelectionError, RefusedError, UsageError
from auditor.store.put import put
from auditor.store.stores import Stores

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

RAW = b"weights\n" * 1000
VALUE = of_bytes(RAW)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.npz"
    path.write_bytes(RAW)
    return path


@pytest.fixture(params=["folder", "s3"])
def url(request, tmp_path):
    if request.param == "folder":
        return (tmp_path / "store").as_uri()
    bucket(request.getfixturevalue("s3"), name := f"put-{abs(hash(request.node.name)) % 10**9}")
    return f"s3://{name}/kept"


def bucket(_server, name, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import boto3  # noqa: PLC0415

        client = boto3.client("s3")
    client.create_bucket(Bucket=name, **more)
    return client


def test_what_is_put_is_found_by_its_digest_and_put_once(url, file):
    (one,) = put(url, [file])
    assert (one.digest, one.new) == (VALUE, True)
    (found,) = Stores({"main": url}).find(VALUE)
    with found.open() as stream:
        assert stream.read(1 << 20) == RAW
    (again,) = put(url, [file])
    assert (again.address, again.new) == (one.address, False)


def test_files_are_read_only_and_never_written_over(tmp_path, file):
    root = tmp_path / "store"
    (one,) = put(root.as_uri(), [file])
    place = root / "sha256" / VALUE.removeprefix("sha256:")
    assert not place.stat().st_mode & 0o222
    assert sorted(path.name for path in root.iterdir()) == ["sha256"]
    place.chmod(0o644)
    place.write_bytes(b"other\n")
    with pytest.raises(RefusedError, match="other bytes than its name says"):
        put(root.as_uri(), [file])
    assert place.read_bytes() == b"other\n"
    assert one.new


def test_object_with_other_bytes_is_found_out(s3, file):
    client = bucket(s3, "taken")
    client.put_object(Bucket="taken", Key=f"sha256/{VALUE.removeprefix('sha256:')}", Body=b"other\n")
    with pytest.raises(RefusedError, match="other bytes"):
        put("s3://taken", [file])


def test_object_lock_keeps_it_until_a_day(s3, file):
    client = bucket(s3, "locked", ObjectLockEnabledForBucket=True)
    until = dt.datetime.now(tz=dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
    put("s3://locked", [file], retain=until)
    head = client.head_object(Bucket="locked", Key=f"sha256/{VALUE.removeprefix('sha256:')}")
    assert (head["ObjectLockMode"], head["ObjectLockRetainUntilDate"]) == ("COMPLIANCE", until)


def test_what_cannot_be_put_says_why(tmp_path, file):
    with pytest.raises(EmptySelectionError, match="is not there"):
        put(tmp_path.as_uri(), [tmp_path / "gone"])
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "file").symlink_to(file)
    with pytest.raises(EmptySelectionError, match="is a link"):
        put(tmp_path.as_uri(), [tmp_path / "linked"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptySelectionError, match="holds no file"):
        put(tmp_path.as_uri(), [tmp_path / "empty"])
    with pytest.raises(EmptySelectionError):
        put(tmp_path.as_uri(), [])
    with pytest.raises(UsageError, match="cannot lock"):
        put(tmp_path.as_uri(), [file], retain=dt.datetime.now(tz=dt.UTC))
    with pytest.raises(UsageError, match="cannot be written once"):
        put("https://example.org/x", [file])


def test_command_prints_digest_and_address(project, tmp_path):
    repo = project("network", "started")
    repo.write("big.bin", RAW)
    url = (tmp_path / "bulk").as_uri()
    assert "0 stores" in repo.auditor("store", "put", "big.bin").expect(2).stderr
    repo.policy(lambda policy: policy.update(stores={"bulk": url}))
    first = repo.auditor("store", "put", "big.bin").expect(0).stdout
    assert first.split()[:2] == [VALUE, f"{url}/sha256/{VALUE.removeprefix('sha256:')}"]
    assert "(was there)" in repo.auditor("store", "put", "big.bin", "--to", "bulk").expect(0).stdout
    repo.auditor("store", "put", "gone.bin").expect(3)
    repo.auditor("store", "put", "big.bin", "--to", "nowhere").expect(2)
