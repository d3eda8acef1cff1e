"""Checkpoints that torch itself wrote."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter

import numpy as np
import pytest
import torch

from auditor.compare.errors import Pickled, Refused
from auditor.compare.tensors import open_tensors, strided
from auditor.errors import UndecidableError

INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.uint16, torch.uint32, torch.uint64]
NUMPYS = [torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.bool, *INTEGERS]
WIDENED = [torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz]


def named(dtype):
    return str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_state_dict_under_every_protocol(tmp_path, look, protocol):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4))
    torch.save(model.state_dict(), tmp_path / "a.pt", pickle_protocol=protocol)
    state = model.state_dict()
    assert list(look.tensors(tmp_path / "a.pt")) == list(state)
    for name, tensor in state.items():
        assert look.tensors(tmp_path / "a.pt")[name].shape == tuple(tensor.shape)
        assert np.array_equal(look.whole(tmp_path / "a.pt", name), tensor.numpy().ravel())
    assert look.same(tmp_path / "a.pt", tmp_path / "a.pt")
    state["1.running_mean"][2] += 1e-3
    torch.save(state, tmp_path / "b.pth")
    assert look.diverged(tmp_path / "a.pt", tmp_path / "b.pth") == {"1.running_mean"}


@pytest.mark.parametrize("dtype", NUMPYS, ids=named)
def test_dtypes_of_numpy(tmp_path, look, dtype):
    values = (torch.arange(24) % 5).to(dtype).reshape(2, 3, 4)
    torch.save({"w": values, "empty": values[:0], "scalar": values[1, 0, 1]}, tmp_path / "a.pt")
    assert look.tensors(tmp_path / "a.pt")["w"].dtype == named(dtype)
    assert look.whole(tmp_path / "a.pt", "w").tolist() == values.flatten().tolist()
    assert look.whole(tmp_path / "a.pt", "scalar").tolist() == [values[1, 0, 1].item()]
    assert look.tensors(tmp_path / "a.pt")["empty"].shape == (0, 3, 4)


@pytest.mark.parametrize("dtype", WIDENED, ids=named)
def test_dtypes_that_numpy_lacks(tmp_path, look, dtype):
    codes = torch.arange(256, dtype=torch.uint8)
    values = codes.repeat_interleave(dtype.itemsize).view(dtype)
    torch.save({"w": values}, tmp_path / "a.pt")
    assert look.tensors(tmp_path / "a.pt")["w"].dtype == named(dtype)
    assert np.array_equal(look.whole(tmp_path / "a.pt", "w"), values.float().numpy(), equal_nan=True)


def test_a_training_checkpoint_has_dotted_names_and_leaves_that_are_listed(tmp_path, look):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "parameter": model.weight}
    extra = {
        "set": {1, 2},
        "bytes": b"ab",
        "milestones": Counter([1]),
        "size": torch.Size([1]),
        "where": torch.device("cpu"),
    }
    torch.save(checkpoint | extra | {"dtype": torch.float16, "none": None, "i": 1j, "words": ["a"]}, tmp_path / "a.ckpt")
    with open_tensors(tmp_path / "a.ckpt") as file:
        assert {"model.weight", "parameter", "optimizer.state.0.exp_avg", "optimizer.state.1.step"} <= set(file.tensors)
        assert file.tied == (("model.weight", "parameter"),)
        kinds = {"epoch": "int", "set": "set", "bytes": "bytes", "none": "None", "dtype": "torch.float16", "i": "complex"}
        assert kinds.items() <= file.listed.items()
        assert file.listed["optimizer.param_groups.0.lr"] == "float"
    torch.save(checkpoint | {"epoch": 4}, tmp_path / "b.ckpt")
    torch.save(checkpoint, tmp_path / "c.ckpt")
    assert look.same(tmp_path / "b.ckpt", tmp_path / "c.ckpt")


def test_a_lone_tensor_and_a_list(tmp_path, look):
    torch.save(torch.ones(3), tmp_path / "a.pt")
    assert list(look.tensors(tmp_path / "a.pt")) == [""]
    torch.save([torch.ones(3), (torch.zeros(2), {"x": torch.ones(1)})], tmp_path / "b.pt")
    assert list(look.tensors(tmp_path / "b.pt")) == ["0", "1.0", "1.1.x"]


def test_views_in_every_order(tmp_path, look):
    base = torch.arange(120.0).reshape(4, 5, 6)
    views = {
        "base": base,
        "slice": base[1:3, ::2, 1:5],
        "transposed": base.permute(2, 0, 1),
        "turned": torch.arange(12.0).reshape(3, 4).t(),
        "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 30),
        "last": base[3, 4, 5:],
        "channels": torch.arange(96.0).reshape(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    torch.save(views, tmp_path / "a.pt")
    for name, view in views.items():
        info = look.tensors(tmp_path / "a.pt")[name]
        order = "F" if info.fortran else "C"
        assert look.whole(tmp_path / "a.pt", name).tolist() == view.numpy().ravel(order=order).tolist(), name
    assert look.tensors(tmp_path / "a.pt")["turned"].fortran
    torch.save({name: view.contiguous() for name, view in views.items()}, tmp_path / "b.pt")
    assert look.same(tmp_path / "a.pt", tmp_path / "b.pt")


def test_views_are_read_in_stretches_of_bounded_size(tmp_path, look, monkeypatch):
    base = torch.arange(6000.0).reshape(10, 20, 30)
    torch.save({"w": base[:, 3:9, ::3], "p": base.permute(0, 2, 1)}, tmp_path / "a.pt")
    monkeypatch.setattr(strided, "_SPAN", 2400)
    assert look.whole(tmp_path / "a.pt", "w", 17).tolist() == base[:, 3:9, ::3].flatten().tolist()
    assert look.whole(tmp_path / "a.pt", "p", 17).tolist() == base.permute(0, 2, 1).flatten().tolist()
    monkeypatch.setattr(strided, "_SPAN", 100)
    with pytest.raises(UndecidableError, match="too far apart") as unread:
        look.tensors(tmp_path / "a.pt")
    assert "contiguous" in unread.value.hint


def test_lazily_conjugated_and_other_tensors_without_plain_storage(tmp_path):
    torch.save(torch.ones(2, dtype=torch.complex64).conj(), tmp_path / "a.pt")
    with pytest.raises(Refused, match="_rebuild_tensor_v2"):
        open_tensors(tmp_path / "a.pt")
    torch.save(torch.ones(3).to_sparse(), tmp_path / "b.pt")
    with pytest.raises(Pickled, match="_rebuild_sparse_tensor"):
        open_tensors(tmp_path / "b.pt")


def test_a_whole_module_is_refused_by_the_name_of_its_class(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(Pickled, match=r"torch\.nn\.modules\.linear\.Linear"):
        open_tensors(tmp_path / "a.pt")


def test_the_other_byte_order(tmp_path, look):
    torch.save({"w": torch.arange(5.0), "h": torch.ones(2).bfloat16()}, tmp_path / "a.pt")
    swapped = {"byteorder": lambda _: b"big", "0": lambda raw: np.frombuffer(raw, "<f4").astype(">f4").tobytes()}
    swapped["1"] = lambda raw: np.frombuffer(raw, "<u2").astype(">u2").tobytes()
    with zipfile.ZipFile(tmp_path / "a.pt") as old, zipfile.ZipFile(tmp_path / "b.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, swapped.get(name.rpartition("/")[2], bytes)(old.read(name)))
    assert look.same(tmp_path / "a.pt", tmp_path / "b.pt")


def test_names_that_collide_and_too_many_for_one_tensor(tmp_path):
    one = torch.ones(2)
    torch.save({"a.b": one, "a": {"b": torch.zeros(2)}}, tmp_path / "a.pt")
    with pytest.raises(Refused, match=r"two entries called 'a\.b'"):
        open_tensors(tmp_path / "a.pt")
    torch.save({"many": [one] * 1001}, tmp_path / "b.pt")
    with pytest.raises(Refused, match="1000 of its names"):
        open_tensors(tmp_path / "b.pt")


def test_older_checkpoints_are_pickles_from_end_to_end(tmp_path):
    torch.save({"w": torch.ones(3)}, tmp_path / "a.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(Pickled, match="never loaded"):
        open_tensors(tmp_path / "a.pt")


def test_torchscript_holds_code(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(tmp_path / "a.pt"))
    with pytest.raises(Pickled, match="TorchScript"):
        open_tensors(tmp_path / "a.pt")
