"""A ledger under faults that are real: killed writers, a server that restarts, a full disk, a read-only file system."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from auditor.errors import LedgerError
from auditor.ledger.ledger import open_ledger

SUBJECT = "sha256:" + 64 * "a"
HERE = Path(__file__).resolve().parent
KILLS = int(os.environ.get("LEDGER_KILLS", "50"))
"""How often a writer is killed in all; `make soak` makes it 1,000 times."""


def killed(address, pipe, after, *, once_it_wrote):
    """In a child of this process (loaded already, so that a kill costs milliseconds): write until killed."""
    before = os.fstat(pipe).st_size
    sys.path.insert(0, str(HERE))
    from writer import write  # noqa: PLC0415

    child = os.fork()
    if not child:
        try:
            os.dup2(pipe, 1)
            sys.stdout = os.fdopen(1, "w", buffering=1)
            write(address, str(os.getpid()))
        finally:
            os._exit(1)
    while once_it_wrote and os.fstat(pipe).st_size == before:
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(0.001)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_writer_that_is_killed_leaves_nothing_torn_and_loses_nothing_acknowledged(address, tmp_path):
    """Half of the kills on each database; several writers follow each other on one ledger."""
    with open_ledger(address, tmp_path) as ledger:
        ledger.append("access", subject=SUBJECT, body={})
    rng = random.Random(20260101)  # noqa: S311
    said = tmp_path / "said"
    with said.open("wb") as stream:
        for number in range(max(2, KILLS // 2)):
            killed(address, stream.fileno(), rng.uniform(0.0, 0.02), once_it_wrote=number % 2 == 0)
    acknowledged = [line.split() for line in said.read_text(encoding="utf-8").splitlines() if line.count(" ") == 1]
    assert acknowledged, "no writer ever got as far as an entry"
    with open_ledger(address, tmp_path) as ledger:
        assert ledger.verify().broken is None
        digests = {str(entry.sequence): entry.digest for entry in ledger.entries()}
        lost = [line for line in acknowledged if len(line[1]) == 71 and digests.get(line[0]) != line[1]]
        assert lost == []
        ledger.append("access", subject=SUBJECT, body={"after": "the last kill"})


def test_a_server_that_restarts_mid_write_loses_nothing_and_doubles_nothing(tmp_path):
    from services import postgres  # noqa: PLC0415

    with postgres.running() as server:
        address = server.database("restarted")
        done = threading.Event()

        def restart():
            for mode in ("fast", "immediate"):
                time.sleep(0.15)
                server.stop(mode)
                server.start()
            done.set()

        with open_ledger(address, tmp_path) as ledger:
            thread = threading.Thread(target=restart)
            thread.start()
            written = []
            while not done.is_set() or len(written) < 20:
                written.append(ledger.append("access", subject=SUBJECT, body={"number": len(written)}).digest)
            thread.join()
            assert [entry.digest for entry in ledger.entries()] == written
            assert ledger.verify().broken is None


def bubbled(*options, code, folder):
    """Run Python code in a sandbox whose file system has a fault."""
    command = ["bwrap", "--dev-bind", "/", "/", *options, sys.executable, "-c", code, str(folder)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)


FILL = f"""
import sys
from pathlib import Path
from auditor.errors import LedgerError
from auditor.ledger.ledger import open_ledger
written = []
try:
    with open_ledger(None, Path(sys.argv[1])) as ledger:
        while True:
            written.append(ledger.append("access", subject={SUBJECT!r}, body={{"words": "x" * 20000}}).digest)
except LedgerError as error:
    print(len(written), error.message, error.hint)
Path(sys.argv[1], "filler").unlink()
with open_ledger(None, Path(sys.argv[1])) as ledger:
    assert [entry.digest for entry in ledger.entries()] == written
    assert ledger.verify().broken is None
    ledger.append("access", subject={SUBJECT!r}, body={{}})
    print("went on")
"""


def test_a_full_disk_is_said_and_loses_nothing(tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    code = "import sys; open(sys.argv[1] + '/filler', 'wb').write(bytes(1 << 20))\n" + FILL
    done = bubbled("--size", str(4 << 20), "--tmpfs", str(full), code=code, folder=full)
    assert done.returncode == 0, done.stderr
    count, words = done.stdout.splitlines()[0].split(" ", 1)
    assert int(count) > 10
    assert "cannot be written" in words
    assert "make room" in words
    assert "went on" in done.stdout


def test_a_read_only_place_is_said_and_still_read(tmp_path):
    with open_ledger(None, tmp_path) as ledger:
        ledger.append("access", subject=SUBJECT, body={"words": "still here"})
    code = f"""
import sys
from pathlib import Path
from auditor.errors import LedgerError
from auditor.ledger.ledger import open_ledger
with open_ledger(None, Path(sys.argv[1]), writable=False) as ledger:
    print([entry.body for entry in ledger.entries()], ledger.verify().broken)
try:
    with open_ledger(None, Path(sys.argv[1])) as ledger:
        ledger.append("access", subject={SUBJECT!r}, body={{}})
except LedgerError as error:
    print(error.message, "|", error.hint)
"""
    done = bubbled("--ro-bind", str(tmp_path), str(tmp_path), code=code, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    read, refused = done.stdout.splitlines()
    assert read == "[{'words': 'still here'}] None"
    assert "read-only" in refused


def test_a_file_that_is_no_database_is_said(tmp_path):
    (tmp_path / "auditor").mkdir()
    (tmp_path / "auditor/ledger.db").write_bytes(b"nonsense" * 1000)
    for writable in (True, False):
        with pytest.raises(LedgerError, match="cannot be opened"):
            open_ledger(None, tmp_path, writable=writable)
