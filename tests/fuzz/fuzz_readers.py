"""Feeds one reader with mutated files: ``python tests/fuzz/fuzz_readers.py FORMAT SECONDS [ARTIFACTS]``.

A reader may answer a file with tensors, or with one of our own errors. Anything else ends the run: another exception, a
crash of a library, more memory than the limit, or more than twenty seconds over one file. The file is then kept in the
folder ARTIFACTS (``crash-*``, ``timeout-*``, ``oom-*``) and can be given to :func:`read` again.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["auditor.compare"]):
    from auditor.compare.bands import read_bands
    from auditor.compare.metrics import read_metrics_file
    from auditor.compare.tables import open_table
    from auditor.compare.tensors import columns, gguf, hdf5, onnx, open_tensors, torch  # noqa: F401 - instrumented
    from auditor.compare.traces import read_trace
    from auditor.compare.trees import file  # noqa: F401

from auditor.errors import AuditorError

sys.path.insert(0, str(Path(__file__).parent))
from seeds import FORMATS, Format

MEMORY = 1 << 30
"""Bytes that a reader may take beyond what was loaded before."""
SECONDS_PER_FILE = 20


def read(path: Path, reader: str = "tensors") -> None:
    """Everything in the file; our own errors are answers."""
    with contextlib.suppress(AuditorError):
        READERS[reader](path)


def tensors(path: Path) -> None:
    with open_tensors(path) as found:
        for name in found.tensors:
            for _ in found.blocks(name):
                pass


def table(path: Path) -> None:
    with open_table(path) as found:
        for row in found.rows:
            assert len(row) == len(found.header)


READERS = {
    "tensors": tensors,
    "table": table,
    "trace": read_trace,
    "figures": read_metrics_file,
    "bands": lambda path: read_bands(path.read_bytes(), source=path.name),
}


def main() -> None:
    """Fuzz the format that the command line names."""
    chosen, seconds = FORMATS[sys.argv[1]], int(sys.argv[2])
    artifacts = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="fuzz-")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus, place = Path(folder, "corpus"), Path(folder, "place")
        corpus.mkdir()
        place.mkdir()
        for number, seed in enumerate(chosen.seeds()):
            (corpus / f"seed-{number}").write_bytes(seed)
        chosen.surroundings(place)
        _limit_memory()
        arguments = [f"-max_total_time={seconds}", f"-timeout={SECONDS_PER_FILE}", f"-artifact_prefix={artifacts}/"]
        arguments += ["-rss_limit_mb=0", "-max_len=65536", "-print_final_stats=1", "-verbosity=0", str(corpus)]
        atheris.Setup([sys.argv[0], *arguments], _target(chosen, place))
        atheris.Fuzz()


def _target(chosen: Format, place: Path):
    path = place / f"fuzzed{chosen.suffix}"

    def one(content: bytes) -> None:
        path.write_bytes(chosen.wrapped(content))
        read(path, chosen.reader)

    return one


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
