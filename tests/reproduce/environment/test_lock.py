from __future__ import annotations

import subprocess
import sys

import pytest

from auditor import digest
from auditor.errors import UndecidableError
from auditor.reproduce.environment.lock import read_pins

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
MACHINE = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.7",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def lines(text: str, kind: str = "requirements") -> list[str]:
    return read_pins(text.encode(), kind, machine=MACHINE).text().splitlines()


def test_requirements_are_read_into_pins_alone():
    text = f"""# a comment
NumPy==2.4.6 \\
    --hash={ONE} \\
    --hash={TWO}
    # via scikit-learn
pandas[excel]==3.0 ; python_version >= "3.11" and sys_platform == 'linux' --hash={ONE}  # why
-e .
./libs/own
--only-binary :all:
"""
    assert lines(text) == [
        f"numpy==2.4.6 --hash={ONE} --hash={TWO}",
        f"pandas==3.0 ; python_version >= \"3.11\" and sys_platform == 'linux' --hash={ONE}",
    ]


def test_indexes_in_a_lock_are_not_followed_and_said():
    text = f"--index-url https://evil.example/simple\n--extra-index-url=https://evil.example\na==1 --hash={ONE}\n"
    found = read_pins(text.encode(), "requirements", machine=MACHINE)
    assert found.text() == f"a==1 --hash={ONE}\n"
    assert found.ignored == ("--index-url of the lock is not followed", "--extra-index-url of the lock is not followed")


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a>=1",
        "a==1.*",
        "a==1",
        f"a==1 --hash=md5:{'1' * 32}",
        f"a==1 --hash=sha256:{'1' * 63}",
        f"a @ https://evil.example/a.whl --hash={ONE}",
        f"git+https://evil.example/a --hash={ONE}",
        "-r other.txt",
        "-c other.txt",
        "-e git+https://evil.example/a",
        "-e ../outside",
        "/srv/a.whl",
        f"a==1 ; python_version --index-url https://evil.example --hash={ONE}",
        f"a==1 --config-settings=x=y --hash={ONE}",
        f"a==1 --global-option=x --hash={ONE}",
        f"a==1\u2028--index-url https://evil.example --hash={ONE}",
    ],
)
def test_a_line_that_could_bring_something_else_is_refused(line):
    with pytest.raises(UndecidableError):
        lines(f"b==1 --hash={ONE}\n{line}\n")


def test_a_uv_lock_is_walked_for_this_machine():
    text = f"""
version = 1
[[package]]
name = "project"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "a" }}, {{ name = "w", marker = "sys_platform == 'win32'" }}]
[package.dev-dependencies]
dev = [{{ name = "d" }}]
[[package]]
name = "a"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
sdist = {{ url = "https://x/a.tar.gz", hash = "{TWO}" }}
wheels = [{{ url = "https://x/a.whl", hash = "{ONE}" }}]
[[package]]
name = "w"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "https://x/w.whl", hash = "{ONE}" }}]
dependencies = [{{ name = "never" }}]
[[package]]
name = "never"
version = "1.0"
source = {{ git = "https://x" }}
[[package]]
name = "d"
version = "1.0"
source = {{ registry = "https://pypi.org/simple" }}
wheels = [{{ url = "https://x/d.whl", hash = "{TWO}" }}]
"""
    assert lines(text, "uv") == [f"a==1.0 --hash={ONE} --hash={TWO}", f"d==1.0 --hash={TWO}"]
    with pytest.raises(UndecidableError, match="'never' from an address"):
        lines(text.replace("win32", "linux"), "uv")


def test_pylock_and_poetry_locks():
    pylock = f"""
lock-version = "1.0"
[[packages]]
name = "a"
version = "1"
index = "https://evil.example/simple"
marker = "python_version >= '3.9'"
wheels = [{{ name = "a.whl", url = "https://evil.example/a.whl", hashes = {{ sha256 = "{"1" * 64}" }} }}]
"""
    found = read_pins(pylock.encode(), "pylock", machine=MACHINE)
    assert found.text() == f"a==1 ; python_version >= '3.9' --hash={ONE}\n"
    assert found.ignored == ("the indexes that the lock names are not followed",)
    poetry = f'[[package]]\nname = "A"\nversion = "1"\nfiles = [{{ file = "a.whl", hash = "{ONE}" }}]\n'
    assert lines(poetry, "poetry") == [f"a==1 --hash={ONE}"]
    with pytest.raises(UndecidableError, match="address"):
        lines(poetry + '[package.source]\ntype = "git"\nurl = "https://evil.example"\n', "poetry")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff", "requirements"),
        (b"x = [", "uv"),
        (b"", "requirements"),
        (b"", "uv"),
        (b"channels: []", "conda"),
        (b"[[packages]]\nname = 1\n", "pylock"),
        (b'[[package]]\nname = "a\\n--index-url x"\nversion = "1"\nfiles = [{hash = "' + ONE.encode() + b'"}]\n', "poetry"),
        (b"x = " + b"[" * 100000, "uv"),
    ],
)
def test_what_is_no_lock_is_refused_with_a_reason(content, kind):
    with pytest.raises(UndecidableError):
        read_pins(content, kind, machine=MACHINE)


def test_what_the_tools_write_is_read(tmp_path):
    """Locks as uv writes them, of a package that depends on nothing, from an index on this machine."""
    from uv import find_uv_bin  # noqa: PLC0415

    simple = tmp_path / "simple" / "tiny"
    simple.mkdir(parents=True)
    import zipfile  # noqa: PLC0415

    with zipfile.ZipFile(simple / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    value = digest.of_file(simple / "tiny-1.0-py3-none-any.whl")[0].replace(":", "=")
    (simple / "index.html").write_text(f'<a href="tiny-1.0-py3-none-any.whl#{value}">tiny-1.0-py3-none-any.whl</a>')
    project = tmp_path / "project"
    project.mkdir()
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "p"\nversion = "0"\nrequires-python = ">={minor}"\ndependencies = ["tiny"]\n'
    )
    index = ("--no-config", "--default-index", simple.parent.as_uri(), "--no-cache", "--quiet")
    for arguments in (
        ("lock", *index),
        ("export", *index, "--format", "requirements-txt", "--no-emit-project", "-o", "requirements.txt"),
        ("export", *index, "--format", "pylock.toml", "-o", "pylock.toml"),
    ):
        subprocess.run([find_uv_bin(), *arguments], cwd=project, check=True)
    texts = {kind: (project / name).read_text() for kind, name in _WRITTEN.items()}
    found = {kind: lines(text, kind) for kind, text in texts.items()}
    assert found["requirements"] == found["uv"] == found["pylock"]
    assert found["uv"][0].startswith("tiny==1.0 --hash=sha256:")


_WRITTEN = {"requirements": "requirements.txt", "uv": "uv.lock", "pylock": "pylock.toml"}
