"""Models in shards, as Hugging Face lays them out."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import save_file

from auditor.cli.compare import command
from auditor.compare.errors import Pickled, Refused
from auditor.compare.tensors import open_tensors
from auditor.compare.tensors.safetensors import SafetensorsFile

INDEX = "model.safetensors.index.json"


def weights():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(30, 4)).astype("f4") for name in "abcd"}


def write(folder, tensors=None, **changes):
    tensors = tensors or weights()
    folder.mkdir(exist_ok=True)
    places = {}
    for number, pair in enumerate(("ab", "cd"), start=1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: tensors[name] for name in pair}, folder / shard)
        places |= dict.fromkeys(pair, shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1920}, "weight_map": places | changes}))
    return folder


def test_an_index_and_its_folder(tmp_path, look):
    folder = write(tmp_path / "m")
    assert list(look.tensors(folder)) == list("abcd")
    assert look.whole(folder, "c").tolist() == weights()["c"].ravel().tolist()
    save_file(weights(), tmp_path / "one.safetensors")
    assert look.same(folder, tmp_path / "one.safetensors")
    changed = weights()
    changed["d"][1, 1] += 1
    assert look.diverged(folder / INDEX, write(tmp_path / "n", changed)) == {"d"}


def test_the_command_takes_an_index_or_a_folder(tmp_path):
    one, other = write(tmp_path / "m"), write(tmp_path / "n")
    result = CliRunner().invoke(command, [str(one / INDEX), str(other)])
    assert result.exit_code == 0, result.output
    assert "bitwise: 4 bitwise" in result.output
    result = CliRunner().invoke(command, [str(tmp_path), str(other)])
    assert result.exit_code == 1
    assert "holds no index" in " ".join(result.output.split())


def test_shards_of_torch(tmp_path, look):
    folder = tmp_path / "m"
    folder.mkdir()
    torch.save({"a": torch.ones(3)}, folder / "pytorch_model-1.bin")
    torch.save({"b": torch.zeros(3)}, folder / "pytorch_model-2.bin")
    places = {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin"}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    assert look.whole(folder, "b").tolist() == [0, 0, 0]
    write(folder)
    assert list(look.tensors(folder)) == list("abcd")


def test_shards_may_be_links_as_in_a_cache(tmp_path, look):
    folder = write(tmp_path / "m")
    shard = folder / "model-00001-of-00002.safetensors"
    shard.rename(tmp_path / "blob")
    shard.symlink_to("../blob")
    assert look.same(folder, write(tmp_path / "n"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"a": "../x.safetensors"}, "no file in its folder"),
        ({"a": "/etc/passwd"}, "no file in its folder"),
        ({"a": ".."}, "no file in its folder"),
        ({"a": "a\0b"}, "no file in its folder"),
        ({"a": 3}, "no file in its folder"),
        ({"a": "absent.safetensors"}, "is missing"),
        ({"a": "model-00002-of-00002.safetensors"}, "does not hold 'a'"),
        ({"e": "model-00002-of-00002.safetensors"}, "does not hold 'e'"),
        ({"a": "pipe"}, "shard 'pipe': it is a named pipe"),
        ({"a": "broken.safetensors"}, "shard 'broken.safetensors': it declares"),
        ({"a": INDEX}, "index of shards itself"),
    ],
)
def test_indexes_that_lie(tmp_path, changes, reason):
    folder = write(tmp_path / "m", **changes)
    os.mkfifo(folder / "pipe")
    (folder / "broken.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(Refused, match=reason):
        open_tensors(folder)


def test_a_tensor_that_the_index_leaves_out(tmp_path):
    folder = write(tmp_path / "m")
    index = json.loads((folder / INDEX).read_text())
    del index["weight_map"]["b"]
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(Refused, match="holds 'b', which the index does not put there"):
        open_tensors(folder)


@pytest.mark.parametrize("content", ["{", "[]", '{"weight_map": []}', '{"weight_map": {}}', '{"a": 1, "a": 2}', "{" * 9999])
def test_what_is_no_index(tmp_path, content):
    (tmp_path / INDEX).write_text(content)
    with pytest.raises(Refused):
        open_tensors(tmp_path)


def test_a_folder_with_two_indexes_or_none(tmp_path):
    folder = write(tmp_path / "m")
    (folder / "other.safetensors.index.json").write_text("{}")
    with pytest.raises(Refused, match="2 indexes"):
        open_tensors(folder)
    with pytest.raises(Refused, match="a directory"):
        open_tensors(tmp_path)


def test_a_hostile_shard_is_named(tmp_path):
    folder = write(tmp_path / "m", a="x.bin")
    torch.save(torch.nn.Linear(1, 1), folder / "x.bin")
    with pytest.raises(Pickled, match=r"shard 'x\.bin'.*Linear"):
        open_tensors(folder)


def test_a_shard_that_changes_while_it_is_read(tmp_path):
    folder = write(tmp_path / "m")
    with pytest.raises(Refused, match="changed"), open_tensors(folder):
        (folder / "model-00002-of-00002.safetensors").write_bytes(b"other")


def test_every_file_is_closed(tmp_path, monkeypatch):
    closed = []
    leave = SafetensorsFile.__exit__
    monkeypatch.setattr(SafetensorsFile, "__exit__", lambda self, *rest: (closed.append(1), leave(self, *rest))[1])
    with open_tensors(write(tmp_path / "m")):
        pass
    assert len(closed) == 2
    with pytest.raises(Refused):
        open_tensors(write(tmp_path / "n", e="model-00002-of-00002.safetensors"))
    assert len(closed) == 4


def test_a_tensor_that_lies_beyond_four_gigabytes_is_found(tmp_path):
    hole = (1 << 32) + 64
    last = np.arange(8, dtype=np.float32)
    spans = {"hole": ([hole // 4], [0, hole]), "last": ([8], [hole, hole + last.nbytes])}
    header = {name: {"dtype": "F32", "shape": shape, "data_offsets": at} for name, (shape, at) in spans.items()}
    raw = json.dumps(header).encode()
    with (tmp_path / "shard.safetensors").open("wb") as stream:
        stream.write(len(raw).to_bytes(8, "little") + raw)
        stream.seek(8 + len(raw) + hole)
        stream.write(last.tobytes())
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(spans, "shard.safetensors")}))
    with open_tensors(tmp_path / INDEX) as file:
        (found,) = [block.copy() for block in file.blocks("last")]
    np.testing.assert_array_equal(found, last)
