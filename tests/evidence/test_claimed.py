from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from auditor import digest
from auditor.evidence.claimed import ClaimedBytes, Scratch, unsafe
from auditor.evidence.unanswered import Inconclusive
from auditor.model.run import FileRef

JUDGED = pytest.mark.parametrize("judged", ["commit", "working tree"])
"""Whether a commit or the working tree is judged. Both hold the same here."""


def claim(path: str | None, content: bytes | str | None = None) -> FileRef:
    raw = content.encode() if isinstance(content, str) else content
    return FileRef(path=path, digest=None if raw is None else digest.of_bytes(raw))


def pointer(content: bytes, *, oid: str | None = None, size: str | None = None) -> str:
    oid = oid or digest.of_bytes(content).removeprefix("sha256:")
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size or len(content)}\n"


class TestOrder:
    def test_commit_comes_before_the_working_tree(self, checkout):
        checkout.put("a.csv", "committed\n")
        head = checkout.commit()
        checkout.put("a.csv", "edited\n")
        found = checkout.claimed(head).locate(claim("a.csv"))
        assert (found.where, found.digest, found.size) == ("judged commit", digest.of_bytes(b"committed\n"), 10)
        assert found.file.read_bytes() == b"committed\n"
        assert checkout.claimed(None).locate(claim("a.csv")).digest == digest.of_bytes(b"edited\n")

    def test_working_tree_serves_what_is_not_committed(self, checkout):
        checkout.put(".gitignore", "data/\n")
        head = checkout.commit()
        checkout.put("data/a.csv", "ignored\n")
        found = checkout.claimed(head).locate(claim("data/a.csv"))
        assert (found.where, found.file) == ("working tree", checkout.root / "data/a.csv")

    def test_nowhere_is_inconclusive(self, checkout):
        with pytest.raises(Inconclusive, match="neither in the judged commit nor in the working tree"):
            checkout.claimed(checkout.commit()).locate(claim("a.csv"))

    def test_without_a_path_there_is_nothing_to_look_at(self, checkout):
        with pytest.raises(Inconclusive, match="no store is configured"):
            checkout.claimed(None).locate(claim(None))

    def test_bytes_missing_from_a_partial_clone_are_not_taken_from_the_working_tree(self, checkout):
        checkout.put("a.csv", "committed\n")
        head = checkout.commit()
        sha = checkout.git("rev-parse", "HEAD:a.csv")
        (checkout.root / ".git/objects" / sha[:2] / sha[2:]).unlink()
        with pytest.raises(Inconclusive, match="not in this clone"):
            checkout.claimed(head).locate(claim("a.csv", "committed\n"))

    def test_each_path_is_hashed_once(self, checkout, monkeypatch):
        checkout.put("a.csv", "1\n")
        claimed, hashed, real = checkout.claimed(None), [], digest.of_stream
        monkeypatch.setattr(digest, "of_stream", lambda stream: hashed.append(stream.name) or real(stream))
        assert claimed.locate(claim("a.csv")) is claimed.locate(claim("a.csv"))
        assert len(hashed) == 1

    @pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "", ".", "./", "a\0b"])
    def test_path_that_could_leave_is_not_looked_at(self, checkout, path):
        assert unsafe(path)
        with pytest.raises(Inconclusive, match="not a path inside the repository"):
            checkout.claimed(checkout.commit()).locate(claim(path))

    @pytest.mark.parametrize("path", ["a", "a/b", "..a", "a..", "a/..b/c", ".hidden"])
    def test_odd_path_that_stays_is_fine(self, path):
        assert not unsafe(path)

    @pytest.mark.parametrize("path", ["\ud800", "x" * 5000, "a/" * 3000, "a\nb", "a\r"])
    def test_path_that_no_file_can_have_is_inconclusive(self, checkout, path):
        with pytest.raises(Inconclusive):
            checkout.claimed(checkout.commit()).locate(claim(path))


class TestFile:
    @JUDGED
    def test_has_the_suffix_of_the_claim(self, checkout, judged):
        checkout.put("deep/a.csv", "1\n")
        head = checkout.commit()
        file = checkout.claimed(head if judged == "commit" else None).file(claim("deep/a.csv", "1\n"))
        assert (file.suffix, file.read_bytes()) == (".csv", b"1\n")

    def test_other_bytes_than_declared_are_not_handed_out(self, checkout):
        checkout.put("a.csv", "1\n")
        with pytest.raises(Inconclusive, match="does not have the declared digest"):
            checkout.claimed(None).file(claim("a.csv", "2\n"))

    @JUDGED
    def test_directory_is_no_file(self, checkout, judged):
        checkout.put("data/a.csv", "1\n")
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="is a directory"):
            checkout.claimed(head if judged == "commit" else None).file(claim("data"))

    def test_link_with_another_suffix_yields_its_own_bytes_and_leaves_the_tree_alone(self, checkout):
        checkout.put("real.bin", "right\n")
        checkout.put("real.csv", "wrong\n")
        (checkout.root / "x.csv").symlink_to("real.bin")
        before = sorted(checkout.root.iterdir())
        file = checkout.claimed(None).file(claim("x.csv", "right\n"))
        assert (file.suffix, file.read_bytes()) == (".csv", b"right\n")
        assert sorted(checkout.root.iterdir()) == before

    def test_scratch_is_gone_after_closing(self, checkout):
        checkout.put("a.csv", "1\n")
        file = checkout.claimed(checkout.commit()).file(claim("a.csv", "1\n"))
        checkout.scratch.close()
        assert not file.exists()
        checkout.scratch.close()  # twice is fine


class TestLineEndings:
    @pytest.mark.parametrize(
        ("there", "declared"), [("a\nb\n", "a\r\nb\r\n"), ("a\r\nb\r\n", "a\nb\n"), ("a\r\nb\n", "a\nb\n")]
    )
    @JUDGED
    def test_mismatch_that_they_explain_says_so(self, checkout, judged, there, declared):
        checkout.put("a.csv", there)
        head = checkout.commit()
        found = checkout.claimed(head if judged == "commit" else None).locate(claim("a.csv", declared))
        assert found.digest == digest.of_bytes(there.encode())
        assert found.normalised == digest.of_bytes(declared.encode())

    @JUDGED
    def test_mismatch_of_another_kind_does_not(self, checkout, judged):
        checkout.put("a.csv", "a\nb\n")
        head = checkout.commit()
        assert checkout.claimed(head if judged == "commit" else None).locate(claim("a.csv", "a\nc\n")).normalised is None


class TestLinks:
    @JUDGED
    @pytest.mark.parametrize("target", ["real.csv", "../real/real.csv", "./other"])
    def test_inside_with_the_right_digest_is_followed(self, checkout, judged, target):
        checkout.put("real/real.csv", "1\n")
        (checkout.root / "real/other").symlink_to("real.csv")
        (checkout.root / "real/link.csv").symlink_to(target)
        head = checkout.commit()
        claimed = checkout.claimed(head if judged == "commit" else None)
        assert claimed.locate(claim("real/link.csv", "1\n")).digest == digest.of_bytes(b"1\n")
        assert claimed.file(claim("real/link.csv", "1\n")).read_bytes() == b"1\n"

    @JUDGED
    def test_inside_with_another_digest_is_not(self, checkout, judged):
        checkout.put("real.csv", "1\n")
        (checkout.root / "link.csv").symlink_to("real.csv")
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="other bytes than the manifest declares"):
            checkout.claimed(head if judged == "commit" else None).locate(claim("link.csv", "2\n"))

    @JUDGED
    @pytest.mark.parametrize("absolute", [True, False])
    def test_leaving_is_refused_even_with_the_right_digest(self, checkout, judged, absolute):
        (checkout.root.parent / "outside.csv").write_bytes(b"1\n")
        target = checkout.root.parent / "outside.csv" if absolute else Path("../outside.csv")
        (checkout.root / "link.csv").symlink_to(target)
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="leaves the repository"):
            checkout.claimed(head if judged == "commit" else None).locate(claim("link.csv", "1\n"))

    @JUDGED
    def test_folder_that_leaves_is_refused(self, checkout, judged):
        (checkout.root.parent / "outside").mkdir()
        (checkout.root.parent / "outside" / "a.csv").write_bytes(b"1\n")
        (checkout.root / "data").symlink_to("../outside")
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="leaves the repository"):
            checkout.claimed(head if judged == "commit" else None).locate(claim("data/a.csv", "1\n"))

    @JUDGED
    def test_folder_that_stays_is_followed(self, checkout, judged):
        checkout.put("v2/a.csv", "1\n")
        (checkout.root / "data").symlink_to("v2")
        head = checkout.commit()
        found = checkout.claimed(head if judged == "commit" else None).locate(claim("data/a.csv", "1\n"))
        assert found.digest == digest.of_bytes(b"1\n")

    @JUDGED
    @pytest.mark.parametrize("target", ["link.csv", "nowhere.csv"])
    def test_leading_nowhere_is_inconclusive(self, checkout, judged, target):
        (checkout.root / "link.csv").symlink_to(target)
        head = checkout.commit()
        with pytest.raises(Inconclusive):
            checkout.claimed(head if judged == "commit" else None).locate(claim("link.csv", "1\n"))

    def test_committed_link_to_bytes_that_are_not_committed_finds_them_in_the_working_tree(self, checkout):
        checkout.put(".gitignore", "big.csv\n")
        (checkout.root / "link.csv").symlink_to("big.csv")
        head = checkout.commit()
        checkout.put("big.csv", "1\n")
        found = checkout.claimed(head).locate(claim("link.csv", "1\n"))
        assert found.where == "working tree, through a symbolic link"


class TestDirectories:
    def test_digest_is_the_same_in_commit_and_working_tree_and_as_defined(self, checkout):
        for name in ("b/z", "b/a.txt", "a b", "B", "é"):
            checkout.put(f"data/{name}", name)
        head = checkout.commit()
        rows = [(name, len(name.encode()), digest.of_bytes(name.encode())) for name in ("é", "B", "b/z", "a b", "b/a.txt")]
        in_commit = checkout.claimed(head).locate(claim("data"))
        in_tree = checkout.claimed(None).locate(claim("data"))
        assert in_commit.digest == in_tree.digest == digest.of_tree(rows)
        assert in_commit.size == in_tree.size == sum(size for _, size, _ in rows)
        assert (in_commit.where, in_tree.where) == ("judged commit", "working tree")

    @pytest.mark.parametrize("path", ["data", "data/", "./data"])
    def test_other_spelling_of_the_path_is_the_same_directory(self, checkout, path):
        checkout.put("data/a", "1\n")
        checkout.put("database/a", "2\n")
        head = checkout.commit()
        expected = digest.of_tree([("a", 2, digest.of_bytes(b"1\n"))])
        assert checkout.claimed(head).locate(claim(path)).digest == expected

    @JUDGED
    def test_link_inside_is_refused(self, checkout, judged):
        checkout.put("data/a", "1\n")
        (checkout.root / "data/b").symlink_to("a")
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="data/b is a link"):
            checkout.claimed(head if judged == "commit" else None).locate(claim("data"))

    def test_pipe_inside_is_refused(self, checkout):
        checkout.put("data/a", "1\n")
        os.mkfifo(checkout.root / "data/pipe")
        with pytest.raises(Inconclusive, match="data/pipe is a link or special file"):
            checkout.claimed(None).locate(claim("data"))

    @JUDGED
    def test_name_that_is_not_utf8_has_no_digest(self, checkout, judged):
        checkout.put("data/\udcff", "1\n")
        head = checkout.commit()
        with pytest.raises(Inconclusive, match="not UTF-8"):
            checkout.claimed(head if judged == "commit" else None).locate(claim("data"))


class TestSpecialFiles:
    def test_pipe_is_not_waited_for(self, checkout):
        os.mkfifo(checkout.root / "pipe.csv")
        with pytest.raises(Inconclusive, match="neither a file nor a directory"):
            checkout.claimed(None).locate(claim("pipe.csv"))

    def test_link_to_a_pipe_is_not_waited_for(self, checkout):
        os.mkfifo(checkout.root / "pipe")
        (checkout.root / "link.csv").symlink_to("pipe")
        with pytest.raises(Inconclusive, match="neither a file nor a directory"):
            checkout.claimed(None).locate(claim("link.csv"))

    def test_socket_is_no_file(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # a socket's path may not be long
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("socket")
            claimed = ClaimedBytes(root=tmp_path, repository=None, commit=None, scratch=Scratch())
            with pytest.raises(Inconclusive, match="neither a file nor a directory"):
                claimed.locate(claim("socket"))

    @pytest.mark.parametrize("path", ["a.csv", "data"])
    def test_unreadable_is_inconclusive_and_says_why(self, checkout, monkeypatch, path):
        checkout.put("a.csv", "1\n" * 1000)
        checkout.put("data/a.csv", "1\n" * 1000)

        def refuse(path):  # root, as whom tests may run, can read everything
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(digest, "of_stream", refuse)
        with pytest.raises(Inconclusive, match=f"{path} cannot be read: Permission denied"):
            checkout.claimed(None).locate(claim(path))


class TestGitLFS:
    CONTENT = b"a large table\n" * 100

    def store(self, checkout, content: bytes, oid: str | None = None) -> None:
        oid = oid or digest.of_bytes(content).removeprefix("sha256:")
        checkout.put(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}", content)

    @JUDGED
    def test_pointer_without_its_object_is_known_by_digest_only(self, checkout, judged):
        checkout.put("big.csv", pointer(self.CONTENT))
        head = checkout.commit()
        claimed = checkout.claimed(head if judged == "commit" else None)
        found = claimed.locate(claim("big.csv", self.CONTENT))
        assert (found.where, found.digest) == ("Git LFS pointer", digest.of_bytes(self.CONTENT))
        assert (found.size, found.file) == (len(self.CONTENT), None)
        with pytest.raises(Inconclusive, match="git lfs pull"):
            claimed.file(claim("big.csv", self.CONTENT))

    @JUDGED
    def test_pointer_with_its_object_is_those_bytes(self, checkout, judged):
        checkout.put("big.csv", pointer(self.CONTENT))
        head = checkout.commit()
        self.store(checkout, self.CONTENT)
        claimed = checkout.claimed(head if judged == "commit" else None)
        assert claimed.locate(claim("big.csv", self.CONTENT)).where == "Git LFS object"
        file = claimed.file(claim("big.csv", self.CONTENT))
        assert (file.suffix, file.read_bytes()) == (".csv", self.CONTENT)
        assert [path.suffix for path in checkout.root.glob(".git/lfs/objects/*/*/*")] == [""]

    def test_object_with_other_bytes_than_its_name_is_hashed_and_not_believed(self, checkout):
        checkout.put("big.csv", pointer(self.CONTENT))
        head = checkout.commit()
        self.store(checkout, b"forged", digest.of_bytes(self.CONTENT).removeprefix("sha256:"))
        assert checkout.claimed(head).locate(claim("big.csv")).digest == digest.of_bytes(b"forged")

    @pytest.mark.parametrize(
        "text",
        [
            pointer(b"", oid="/etc/passwd"),
            pointer(b"", oid="../../../../../../etc/passwd"),
            pointer(b"", oid="ab" * 31),
            pointer(b"x", size="²"),
            pointer(b"x", size="-1"),
            pointer(b"x").replace("oid", "OID"),
            pointer(b"x") + "x" * 1100,
        ],
    )
    def test_what_only_looks_like_a_pointer_is_a_file(self, checkout, text):
        checkout.put("big.csv", text)
        head = checkout.commit()
        found = checkout.claimed(head).locate(claim("big.csv"))
        assert (found.where, found.digest) == ("judged commit", digest.of_bytes(text.encode()))
