from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbench import Repo, load_yaml

from auditor.record import trace


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.jsonl", '{"step": 1, "loss": 2}\n\n{"step": 2, "loss": 1}\n', {"loss": (1, 2)}),
        ("a.jsonl", '{"step": 2, "loss": 1}\n{"step": 1, "loss": 2}\n', {"loss": (1, 2)}),
        (
            "a.jsonl",
            '{"step": 1, "loss": 2, "val": {"f1": 0.5}}\n{"step": 2, "loss": 1}\n',
            {"loss": (1, 2), "val.f1": (0.5, 1)},
        ),
        ("a.ndjson", '{"epoch": 1, "global_step": 500, "loss": 2}\n', {"loss": (2, 500)}),
        ("a.jsonl", '{"loss": 2}\n{"loss": 1}\n', {"loss": (1, None)}),
        ("a.jsonl", '{"step": true, "loss": 2, "note": "x", "ok": true}\n', {"loss": (2, None)}),
        ("a.csv", "\ufeffstep,loss,acc,name\n0,2.0,,x\n10,1.0,0.5,y\n20,0.5,,z\n", {"loss": (0.5, 20), "acc": (0.5, 10)}),
        ("a.tsv", "Step\tloss\n1\t2\n", {"loss": (2, 1)}),
        ("a.csv", 'step,loss\n1,"2"\n2\n', {"loss": (2, 1)}),
        ("a.csv", "step,loss\n", {}),
        ("a.jsonl", "", {}),
    ],
)
def test_the_last_value_of_every_figure(tmp_path, name, text, expected) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert {metric: (last.value, last.step) for metric, last in trace.read(path).items()} == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", b"[1]\n"),
        ("a.jsonl", b"{\n"),
        ("a.jsonl", b'{"a": "' + b"x" * (2 << 20) + b'"}\n'),
        ("a.csv", b"step,a\n1," + b"9" * (2 << 20) + b"\n"),
        ("a.jsonl", b"\xff\xfe\x00\n"),
        ("a.csv", b"step," + b",".join(b"c%d" % i for i in range(2000)) + b"\n1" + b",1" * 2000 + b"\n"),
    ],
)
def test_what_is_no_trace_is_refused(tmp_path, name, content) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        trace.read(path)


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20))
def test_json_lines_and_csv_tell_the_same(tmp_path_factory, rows) -> None:
    folder = tmp_path_factory.mktemp("trace")
    (folder / "a.jsonl").write_text("".join(f'{{"step": {s}, "loss": {v!r}}}\n' for s, v in rows), encoding="utf-8")
    (folder / "a.csv").write_text("step,loss\n" + "".join(f"{s},{v!r}\n" for s, v in rows), encoding="utf-8")
    best = max(s for s, _ in rows)
    expected = {"loss": trace.Last(value=[v for s, v in rows if s == best][-1], step=best)}
    assert trace.read(folder / "a.jsonl") == trace.read(folder / "a.csv") == expected


@pytest.mark.parametrize("name", ["t.jsonl", "t.csv"])
def test_a_recorded_trace(repository: Repo, name) -> None:
    text = {
        "t.jsonl": '{"step": 1, "loss": 2}\n{"step": 3, "loss": NaN, "val_acc": 0.5}\n',
        "t.csv": "step,loss,val_acc\n3,nan,0.5\n",
    }
    repository.write("train.py", f"open({name!r}, 'w').write({text[name]!r})")
    repository.commit()
    repository.auditor("record", "--metrics", name, "--", sys.executable, "train.py").expect(0)
    found = load_yaml(repository.read(repository.manifest))
    (artifact,) = found["artifacts"]
    assert artifact["role"] == "trace"
    assert found["metrics"] == [
        {"name": "loss", "step": 3},
        {"name": "val_acc", "value": 0.5, "split": "validation", "step": 3},
    ]
    assert found["unavailable"]["/metrics/0/value"] == f"the run reported {math.nan}"
