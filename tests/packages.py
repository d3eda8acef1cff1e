"""Package indexes on this machine, and training that uses a library from one: for whatever rebuilds environments."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from uv import find_uv_bin


@dataclass
class Index:
    """A package index on this machine, in the layout of PEP 503."""

    root: Path
    files: dict[str, list[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.root.as_uri()

    def wheel(self, name: str, version: str, files: dict[str, str]) -> str:
        """Publish a wheel with ``files``; its pin."""
        info = f"{name}-{version}.dist-info"
        files = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        rows = [f"{path},{_record(text)},{len(text)}" for path, text in files.items()]
        files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
        return self.publish(name, version, f"{name}-{version}-py3-none-any.whl", content.getvalue())

    def publish(self, name: str, version: str, file: str, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        self.files.setdefault(name, []).append(f'<a href="{file}#sha256={digest}">{file}</a><br>')
        (folder / "index.html").write_text("<!DOCTYPE html><html><body>" + "".join(self.files[name]) + "</body></html>")
        return f"{name}=={version} --hash=sha256:{digest}\n"


def _record(text: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def environment(folder: Path, index: Index, lock: str) -> Path:
    """The interpreter of a virtual environment in ``folder`` with what ``lock`` pins, as a person would make it."""
    quiet = ("--quiet", "--no-config", "--no-cache")
    subprocess.run([find_uv_bin(), "venv", *quiet, "--python", sys.executable, str(folder)], check=True)
    requirements = folder / "requirements.txt"
    requirements.write_text(lock)
    python = str(folder / "bin" / "python")
    source = ("--python", python, "--default-index", index.url, "--require-hashes")
    subprocess.run([find_uv_bin(), "pip", "sync", *quiet, *source, str(requirements)], check=True)
    return Path(python)


RECORD = (
    *("--name", "plain", "--config", "conf/base.yaml", "--lock", "requirements.txt"),
    *("--data", "train=data/train.csv", "--data", "test=data/test.csv"),
    *("--out", "out/predictions.csv", "--metrics", "out/metrics.json"),
)
"""Arguments of ``auditor record`` for :data:`TRAIN`, up to the command."""

TRAIN = r"""
import csv, json, os, random, re
import figures
seed = int(re.search(r"seed: *(\d+)", open("conf/base.yaml").read())[1])
rows = list(csv.DictReader(open("data/train.csv")))
test = list(csv.DictReader(open("data/test.csv")))
names = [name for name in rows[0] if name.startswith("x")]
random.seed(seed)
weights = [random.gauss(0, figures.START) for _ in names]
for row in random.sample(rows, len(rows)):
    value = sum(w * float(row[n]) for w, n in zip(weights, names))
    step = 0.0001 * (float(row["label"]) - value)
    weights = [w + step * float(row[n]) for w, n in zip(weights, names)]
os.makedirs("out", exist_ok=True)
scores = [sum(w * float(row[n]) for w, n in zip(weights, names)) for row in test]
with open("out/predictions.csv", "w") as f:
    f.write("id,prediction\n")
    for row, score in zip(test, scores):
        f.write(f"{row['id']},{score!r}\n")
error = sum((float(row["label"]) - score) ** 2 for row, score in zip(test, scores)) / len(test)
json.dump({"mse": error}, open("out/metrics.json", "w"))
"""
"""A program on the standard library and one small library called ``figures``, which only the lock can bring."""


def rebuilding(repo, index: Index) -> None:
    """Have the policy of main execute every run in an environment made from its lock alone."""
    repo.checkout("main")
    repo.policy(lambda policy: policy.update(environment={"sources": ["lock"], "build": "refused", "index": index.url}))
    repo.commit("Rebuild every environment")
    repo.checkout("work")
    repo.git("merge", "--quiet", "main")


def recorded(repo, python: Path, lock: str) -> None:
    """Record a run of the program with the interpreter ``python`` and the lock ``lock``."""
    repo.write("train.py", TRAIN)
    repo.write("requirements.txt", lock)
    repo.commit("Use a library")
    repo.auditor("record", *RECORD, "--", str(python), "train.py").expect(0)
    repo.commit("Record a run")
