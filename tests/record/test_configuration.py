from __future__ import annotations

import pytest

from auditor import digest
from auditor.errors import UsageError
from auditor.record import configuration, lenient


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str | bytes) -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    return write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("lr: 1e-4", 1e-4),
        ("lr: '1e-4'", "1e-4"),
        ("lr: 1.5e3", 1500.0),
        ("lr: no", False),
        ("lr: 2020-01-02", "2020-01-02"),
        ("lr: 0o17", "0o17"),
        ("lr: 017", 15),
        ("lr: ~", None),
        ("lr: [1, {a: x}]", [1, {"a": "x"}]),
        ("b: &x {a: 1, c: 2}\nlr: {<<: *x, a: 3}", {"a": 3, "c": 2}),
        ("lr: 1\nlr: 2", 2),
        ("\ufefflr: 3", 3),
        ("lr: 1\r\n", 1),
    ],
)
def test_yaml_is_read_as_its_program_reads_it(tmp_path, write, text, value) -> None:
    assert lenient.read(tmp_path / write("c.yaml", text), name="c.yaml")[0]["lr"] == value


def test_keys_become_text(tmp_path, write) -> None:
    assert lenient.read(tmp_path / write("c.yaml", "1: a\ntrue: b"), name="c")[0] == {"1": "a", "true": "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: .inf", r"c.yaml:1:4: .inf has no JSON form"),
        ("a: 1\nb: 1e999", r"c.yaml:2:4: .*no JSON form"),
        ("a: 99999999999999999999", "2\\^53"),
        ("a: !!python/object/apply:os.system [ls]\n", "tag|JSON form"),
        ("a: !include x.yaml", "tag !include"),
        ("- 1", "no mapping"),
        ("a: [", r"c.yaml:\d+:\d+"),
        ("a: " + "[" * 5000, "nested deeper"),
        (b"a: \xff\xfe\x00", "c.yaml"),
        ("? [a]\n: 1", "plain word"),
        ("a: &a [*a]", "aliases expand"),
        (b"#" * (5 << 20), "larger than"),
    ],
)
def test_what_cannot_be_a_configuration_is_refused_with_its_place(tmp_path, write, text, words) -> None:
    with pytest.raises(UsageError, match=words):
        lenient.read(tmp_path / write("c.yaml", text), name="c.yaml")


def test_an_alias_bomb_is_refused_quickly(tmp_path, write) -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(UsageError, match="aliases expand"):
        lenient.read(tmp_path / write("c.yaml", "\n".join(lines)), name="c.yaml")


def test_an_empty_file_is_an_empty_configuration(tmp_path, write) -> None:
    assert lenient.read(tmp_path / write("c.yaml", ""), name="c.yaml") == ({}, {})


def test_json_has_places_too(tmp_path, write) -> None:
    value, lines = lenient.read(tmp_path / write("c.json", '{"a": {\n\t"b": 1e-08}}'), name="c.json")
    assert value == {"a": {"b": 1e-08}}
    assert lines == {"/a/b": 2}


@pytest.mark.parametrize("text", ["{", '{"a": NaN}', '{"a": 1, "a": 2}', "[1]"])
def test_json_that_is_none_is_refused(tmp_path, write, text) -> None:
    with pytest.raises(UsageError, match=r"--config c.json"):
        lenient.read(tmp_path / write("c.json", text), name="c.json")


def test_layers_merge_in_order_and_name_what_they_shadow(tmp_path, write) -> None:
    write("a.yaml", "seed: 1\nmodel:\n  depth: 3\n  width: 8\nfeatures: [a, b]\n")
    write("b.yaml", "model:\n  depth: 5\nfeatures: [c]\n")
    found = configuration.resolve(["a.yaml", "b.yaml"], ["model.width=16", "name=x y"], tmp_path)
    assert found.value == {"seed": 1, "model": {"depth": 5, "width": 16}, "features": ["c"], "name": "x y"}
    assert found.layers == 3
    claim, hidden = found.claim()
    assert hidden == []
    assert claim.digest == digest.of_value(found.value)
    assert set(claim.origins) == {"/seed", "/model/depth", "/model/width", "/features", "/name"}
    depth = claim.origins["/model/depth"]
    assert (depth.source, depth.detail, depth.shadows) == ("file", "b.yaml:2", (3,))
    assert claim.origins["/model/width"].shadows == (8,)
    assert claim.origins["/features"].shadows == (["a", "b"],)
    assert claim.origins["/model/width"].detail == "--set model.width=16"
    assert claim.files[0].digest == digest.of_file(tmp_path / "a.yaml")[0]


@pytest.mark.parametrize(
    ("override", "value"),
    [("a=1", 1), ("a=1e-4", 1e-4), ("a=[1]", [1]), ("a=x", "x"), ("a=", ""), ("a=b=c", "b=c"), ("a=NaN", "NaN")],
)
def test_override_values_are_json_else_text(override, value) -> None:
    assert configuration.parse_override(override) == ("a", value)


@pytest.mark.parametrize("override", ["a", "=1", "a..b=1", ".a=1"])
def test_overrides_without_a_key_are_refused(override) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        configuration.parse_override(override)


def test_overrides_reach_into_lists_and_refuse_to_pass_through_scalars() -> None:
    assert configuration.change({"a": [{"b": 1}]}, "a.0.b", 2) == {"a": [{"b": 2}]}
    with pytest.raises(UsageError, match="leads through"):
        configuration.change({"a": 1}, "a.b", 2)
    assert configuration.has({"a": [{"b": 1}]}, "a.0.b")
    assert not configuration.has({"a": {"b": 1}}, "a.c")


def test_secrets_leave_neither_value_nor_origin(tmp_path, write) -> None:
    write("a.yaml", "db:\n  password: hunter2\nmax_tokens: 5\n")
    found = configuration.resolve(["a.yaml"], ["api_key=sesame", "db.password=${oc.env:PW}", "api_key=sesame"], tmp_path)
    claim, hidden = found.claim()
    assert claim.effective == {"db": {"password": "${oc.env:PW}"}, "max_tokens": 5, "api_key": "[redacted]"}
    assert hidden == ["/api_key"]
    assert "sesame" not in repr(claim)
    assert "hunter2" not in repr(claim)
    assert found.value["api_key"] == "sesame"
