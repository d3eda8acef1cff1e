"""The seed probe inside a plain interpreter: what it sees, and that nothing else changes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from auditor import reproduce


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "probe"
    folder.mkdir()
    shutil.copyfile(Path(reproduce.__file__).with_name("probe.py"), folder / "sitecustomize.py")
    work = tmp_path / "work"
    work.mkdir()

    def run(code, *, shifted=(), probed=True, path=""):
        (work / "script.py").write_text(code)
        ledger = tmp_path / "seeds"
        ledger.unlink(missing_ok=True)
        variables = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "AUDITOR_SEEDS_SHIFTED": json.dumps(list(shifted))}
        if probed:
            variables |= {
                "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), path))),
                "AUDITOR_SEED_LEDGER": str(ledger),
            }
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=work, env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        seeds = [json.loads(line) for line in ledger.read_text().splitlines()] if ledger.exists() else []
        return done.stdout, seeds

    return run


SEEDING = """
import random, numpy as np
random.seed(1); a = random.random()
b = random.Random(2).random()
np.random.seed(3); c = np.random.rand()
d = np.random.RandomState(4).rand()
e = np.random.default_rng(5).random()
f = np.random.Generator(np.random.PCG64(6)).random()
g = np.random.default_rng(np.random.SeedSequence(7)).random()
h = np.random.default_rng(seed=np.int64(8)).random()
i = np.random.default_rng([9, 10]).random()
print(a, b, c, d, e, f, g, h, i)
"""


def test_every_explicit_seed_is_written_down_with_its_place(run):
    _, seeds = run(SEEDING)
    assert {(s["call"].rpartition(".")[2], str(s["seed"])) for s in seeds} == {
        ("seed", "1"),
        ("seed", "2"),
        ("seed", "3"),
        ("RandomState", "4"),
        ("default_rng", "5"),
        ("PCG64", "6"),
        ("SeedSequence", "7"),
        ("default_rng", "8"),
        ("default_rng", "[9, 10]"),
    }
    assert {s["at"] for s in seeds if s["seed"] == 4} == {"script.py:6"}


def test_numbers_are_the_same_with_and_without(run):
    assert run(SEEDING)[0] == run(SEEDING, probed=False)[0]


def test_types_pickles_and_subclasses_are_the_same_with_and_without(run):
    code = """
import hashlib, pickle, random
import numpy as np
from sklearn.utils import check_random_state
state = np.random.RandomState(3)
assert isinstance(state, np.random.RandomState) and isinstance(np.random.mtrand._rand, np.random.RandomState)
assert check_random_state(state) is state and check_random_state(None) is np.random.mtrand._rand
bits = np.random.PCG64(1)
assert isinstance(bits, np.random.BitGenerator) and issubclass(np.random.PCG64, np.random.BitGenerator)
class Own(np.random.RandomState):
    pass
own = Own(5)
assert type(own) is Own and isinstance(own, np.random.RandomState) and not isinstance(state, Own)
class Plain(random.Random):
    pass
assert isinstance(Plain(1), random.Random)
copy = pickle.loads(pickle.dumps(state))
assert copy.rand() == state.rand()
for thing in (state, bits, np.random.default_rng(3), random.Random(4)):
    print(type(thing).__name__, type(thing).__module__, repr(thing).split(" at ")[0])
    print(hashlib.sha256(pickle.dumps(thing)).hexdigest())
"""
    assert run(code)[0] == run(code, probed=False)[0]


def test_a_shifted_constant_gives_the_numbers_of_the_next_seed(run):
    code = "import numpy as np\nprint(np.random.default_rng(SEED).random(), np.random.RandomState(11).rand())"
    shifted, _ = run(code.replace("SEED", "5"), shifted=["numpy.random.default_rng=5"])
    assert shifted == run(code.replace("SEED", "6"))[0]


def test_unseeded_generators_and_generators_in_arguments_are_no_constants(run):
    code = "import random, numpy as np\nrandom.seed(); np.random.default_rng(); g = np.random.default_rng(np.random.PCG64())"
    assert run(code)[1] == []


def test_a_split_of_rows_is_marked(run):
    code = (
        "from sklearn.model_selection import train_test_split\nfrom sklearn.utils import shuffle\n"
        "train_test_split(list(range(9)), random_state=21)\nshuffle(list(range(9)), random_state=22)\n"
    )
    assert {s["seed"]: s["splits"] for s in run(code)[1]} == {21: True, 22: False}


def test_a_sitecustomize_that_was_there_still_runs(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "sitecustomize.py").write_text("import sys; sys.marked = __name__\n")
    assert run("import sys; print(sys.marked)", path=str(other))[0] == "sitecustomize\n"


def test_torch_is_noticed_when_it_is_imported(run, tmp_path):
    # A stand-in with torch's layout: the package takes manual_seed from its random module.
    package = tmp_path / "libraries" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from torch.random import manual_seed\n")
    (package / "random.py").write_text("def manual_seed(seed):\n    return seed\n")
    printed, seeds = run("import torch; print(torch.manual_seed(5))", path=str(package.parent))
    assert (printed, [(s["call"], s["seed"]) for s in seeds]) == ("5\n", [("torch.manual_seed", 5)])
