from __future__ import annotations

import pytest

from auditor.evidence.lock import Lock, normalised, read_lock
from auditor.evidence.unanswered import Inconclusive

HASH = "sha256:2a02aba9ed12e4ac4eb3ea9421c420301a0c6460d9830d74a9df87efa4912010"


def requirements(text: str) -> Lock:
    return read_lock(text.encode(), "requirements.txt")


@pytest.mark.parametrize("name", ["scikit-learn", "Scikit_Learn", "scikit.learn", "SCIKIT-_.learn"])
def test_names_are_compared_as_in_pep_503(name):
    assert normalised(name) == "scikit-learn"
    assert requirements("scikit-learn==1.4.0\n").pins(name) == {"1.4.0"}


class TestRequirements:
    def test_forms_of_a_pin(self):
        lock = requirements(
            "# numpy==0.1\n-e .\n--index-url https://example.org\n"
            "numpy==1.26.4  # via scipy\nscipy == 1.13.0 ; python_version>='3.9'\n"
            "torch[cuda]===2.3.0+cpu\n  pandas==2.2.0;sys_platform=='linux'\n"
        )
        assert lock.packages == {"numpy": {"1.26.4"}, "scipy": {"1.13.0"}, "torch": {"2.3.0+cpu"}, "pandas": {"2.2.0"}}

    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_hashes_on_continued_lines(self, newline):
        text = newline.join(["numpy==1.26.4 \\", f"    --hash={HASH} \\", f"    --hash={HASH}", "    # via scipy", ""])
        lock = requirements(text)
        assert (lock.packages, lock.hashed) == ({"numpy": {"1.26.4"}}, True)

    @pytest.mark.parametrize(
        "other", ["scipy==1.13.0", f"scipy>=1.13 --hash={HASH}", "scipy", "scipy==1.*", "scipy @ https://example.org/s.whl"]
    )
    def test_one_without_a_hash_is_enough(self, other):
        assert not requirements(f"numpy==1.26.4 --hash={HASH}\n{other}\n").hashed

    @pytest.mark.parametrize(
        "line", ["numpy", "numpy>=1.20", "numpy~=1.26", "numpy==1.26.*", "numpy!=1.26.4", "numpy==1.26.4,!=1.2"]
    )
    def test_range_is_no_pin(self, line):
        assert requirements(f"{line}\npandas==2.2.0\n").pins("numpy") == frozenset()


class TestToml:
    def test_uv(self):
        lock = read_lock(
            f"""
            version = 1
            [[package]]
            name = "project"
            version = "0.1.0"
            source = {{ editable = "." }}
            [[package]]
            name = "NumPy"
            version = "1.26.4"
            wheels = [{{ url = "https://example.org/n.whl", hash = "{HASH}" }}]
            """.encode(),
            "uv.lock",
        )
        assert (lock.packages["numpy"], lock.hashed) == ({"1.26.4"}, True)

    def test_pylock(self):
        text = f'[[packages]]\nname = "numpy"\nversion = "1.26.4"\nwheels = [{{hashes = {{sha256 = "{HASH}"}}}}]\n'
        lock = read_lock(text.encode(), "pylock.toml")
        assert (lock.packages, lock.hashed) == ({"numpy": {"1.26.4"}}, True)

    def test_poetry_without_files_has_no_hashes_even_for_a_package_called_so(self):
        lock = read_lock(b'[[package]]\nname = "xxhash"\nversion = "3.4.1"\nfiles = []\n', "poetry")
        assert (lock.packages, lock.hashed) == ({"xxhash": {"3.4.1"}}, False)

    def test_odd_entries_are_passed_over(self):
        lock = read_lock(b'package = [1, {name = 2}, {name = "a", version = "1"}, {name = "b"}]\n', "uv")
        assert lock.packages == {"a": {"1"}}


class TestAllows:
    @pytest.mark.parametrize(
        ("pin", "ran", "allowed"),
        [
            ("1.26.4", "1.26.4", True),
            ("1.26.4", "1.26.3", False),
            ("1.26", "1.26.0", True),
            ("1.26.0", "1.26", True),
            ("1.20", "1.2", False),
            ("1.0", "10", False),
            ("2.3.0", "2.3.0+cpu", True),
            ("2.3.0+cu121", "2.3.0+cpu", False),
            ("2.3.0+cu121", "2.3.0", False),
            ("1.0rc1", "1.0RC1", True),
        ],
    )
    def test_as_in_pep_440(self, pin, ran, allowed):
        assert requirements(f"pkg=={pin}\n").allows("pkg", ran) is allowed

    def test_nothing_pinned_allows_nothing(self):
        assert not requirements("pkg==1\n").allows("other", "1")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe", "requirements.txt"),
        (b"[[package\n", "uv.lock"),
        (b"a = " + b"[" * 100_000, "uv.lock"),
        (b"", "requirements.txt"),
        (b"numpy>=1\n", "requirements.txt"),
        (b"version = 1\n", "uv.lock"),
        (b"package:\n", "conda-lock.yml"),
        (b"numpy==1\n", "nonsense"),
        (b"#" * ((32 << 20) + 1), "requirements.txt"),
    ],
)
def test_what_is_no_lock_is_inconclusive(content, kind):
    with pytest.raises(Inconclusive):
        read_lock(content, kind)
