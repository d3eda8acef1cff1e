"""Fuzzing starts from files that the readers accept, and the runner knows every target."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from auditor.compare.bands import read_bands
from auditor.compare.metrics import read_metrics_file
from auditor.compare.tables import open_table
from auditor.compare.tensors import open_tensors
from auditor.compare.traces import read_trace

READ = {
    "table": lambda path: list(rows_of(path)),
    "trace": lambda path: read_trace(path).curves,
    "figures": read_metrics_file,
    "bands": lambda path: read_bands(path.read_bytes(), source=path.name).bands,
}


def rows_of(path):
    with open_table(path) as table:
        yield from table.rows


def load(name):
    path = Path(__file__).with_name(f"{name}.py")
    specification = importlib.util.spec_from_file_location(f"fuzz_{name}", path)
    module = sys.modules[specification.name] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def formats():
    return load("seeds").FORMATS


def test_the_runner_knows_every_target(formats):
    assert tuple(formats) == load("run").FORMATS


@pytest.mark.parametrize("name", load("run").FORMATS)
def test_every_seed_is_an_honest_file(formats, tmp_path, name):
    chosen = formats[name]
    chosen.surroundings(tmp_path)
    path = tmp_path / f"seed{chosen.suffix}"
    for seed in chosen.seeds():
        path.write_bytes(chosen.wrapped(seed))
        if chosen.reader != "tensors":
            assert READ[chosen.reader](path)
            continue
        with open_tensors(path) as file:
            assert file.tensors
            for tensor in file.tensors:
                assert sum(len(block) for block in file.blocks(tensor)) == file.tensors[tensor].elements
