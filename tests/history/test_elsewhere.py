"""The same runs over S3 and over a Dask cluster of which a worker is killed: identical grades, each run once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from loopback import dask, put, remove, s3
from past import build, claims, place, text_of

from auditor.errors import UndecidableError
from auditor.history.audit import Asked, audit
from auditor.history.examine import Graded
from auditor.history.found import ListingError, UnreadError
from auditor.history.record import Record
from auditor.history.stores.remote import RemoteStore


def grades(repo):
    with Record(place(repo.root)) as record:
        counted = Counter(judged.digest for judged in record.verdicts())
        assert set(counted.values()) == {1}, "each run once"
        return {
            judged.digest: (
                judged.id,
                judged.then,
                judged.today,
                [(r.check, r.outcome) for r in record.results(judged.results)],
            )
            for judged in record.all_latest()
        }


@pytest.fixture(scope="module")
def bucket():
    with s3() as url:
        yield url


@pytest.fixture
def past(repository):
    return build(repository, 60, commits=80)


def test_over_s3_and_over_a_cluster_with_a_killed_worker_the_grades_are_the_same(past, tmp_path, bucket):
    for path in (past.root / "runs").rglob("*.run.*"):
        put(bucket, f"all/{path.relative_to(past.root / 'runs').as_posix()}", path.read_bytes())
    other, third = past.clone(tmp_path / "other"), past.clone(tmp_path / "third")
    audit(Asked(start=past.root, processes=1))
    expected = grades(past)
    assert len(expected) == 60

    done = audit(Asked(start=other.root, named=(".", f"{bucket}/all"), processes=1))
    assert done.unread == []
    assert grades(other).keys() == expected.keys()
    assert (done.found, done.graded, done.left) == (60, 60, 0)
    assert grades(other) == expected
    with Record(place(other.root)) as record:
        assert all(len(record.places(run)) == 2 for run in expected)

    with dask(tmp_path) as cluster:
        killer = threading.Thread(target=_kill_half_way, args=(cluster, third))
        killer.start()
        done = audit(Asked(start=third.root, cluster=cluster.address))
        killer.join()
        assert cluster.workers[0].poll() is not None, "it was killed"
    assert (done.found, done.graded, done.unread) == (60, 60, [])
    assert grades(third) == expected


def _kill_half_way(cluster, repo):
    for _ in range(1200):
        if (place(repo.root) / "history.v1.sqlite").exists():
            with Record(place(repo.root)) as record:
                if record.count() >= 10:
                    break
        time.sleep(0.02)
    cluster.workers[0].kill()
    cluster.workers[0].wait()


def test_runs_that_lie_in_a_bucket_alone(repository, bucket):
    repository.write("train.py", "pass\n")
    repository.commit()
    for number in range(3):
        put(bucket, f"alone/{number}.run.json", text_of(claims(number), "json"))
    put(bucket, "alone/notes.txt", b"no manifest")
    look = Asked(start=repository.root, named=(f"{bucket}/alone",), processes=1)
    assert audit(look).graded == 3
    assert audit(look).graded == 0
    remove(bucket, "alone/1.run.json")
    done = audit(look)
    assert [change.run.id for change in done.regressions] == ["run-000001"]
    assert done.regressions[0].run.state == "lost"


def test_what_a_store_lists_and_does_not_give_holds_up_nothing(bucket):
    put(bucket, "odd/a.run.json", b"{}")
    put(bucket, "odd/b.run.json", b"{}" * 100)
    store = RemoteStore(f"{bucket}/odd")
    first, second = store.versions(None)
    remove(bucket, "odd/a.run.json")
    with pytest.raises(UnreadError, match="gone"):
        store.read(first)
    put(bucket, "odd/b.run.json", b"{}")
    with pytest.raises(UnreadError, match="only 2 of its 200 bytes"):
        RemoteStore(f"{bucket}/odd").read(second)


def test_a_store_that_cannot_be_asked_is_undecided(repository):
    repository.write("train.py", "pass\n")
    repository.commit()
    with pytest.raises(ListingError):
        audit(Asked(start=repository.root, named=("s3://no-such-bucket-here/x",), processes=1))
    repository.auditor("history", "audit", "https://user:secret@example.org/x").expect(2)


def test_no_scheduler_is_undecided_in_words(past, monkeypatch):
    monkeypatch.setattr("auditor.history.cluster._CONNECT", 1)
    with pytest.raises(UndecidableError, match="no Dask scheduler answers"):
        audit(Asked(start=past.root, cluster="tcp://127.0.0.1:9"))


def test_two_stores_and_no_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "a.run.json").write_bytes(text_of(claims(1), "json"))
    done = audit(Asked(start=tmp_path, named=("runs",), processes=1))
    assert done.graded == 1
    assert isinstance(done.grades, dict)
    assert Graded is not None
