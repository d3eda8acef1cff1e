from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import digest
from auditor.errors import UnreadableError
from auditor.manifest.limits import Limits
from auditor.manifest.reader import read, read_file
from auditor.manifest.yaml_text import Events


def yaml_value(text):
    return read(text.encode(), source="a.run.yaml").value


def json_value(text):
    return read(text.encode(), source="a.run.json").value


def refusal(text, source="a.run.yaml", **limits):
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(UnreadableError) as caught:
        read(raw, source=source, limits=Limits(**limits))
    error = caught.value
    assert error.hint, "a refusal without a way out"
    assert str(error).isprintable()
    return error


# --- what is accepted ------------------------------------------------------------------------------------------------


def test_libyaml_is_used():
    assert Events.__name__ == "CParser"


def test_without_libyaml_documents_mean_the_same():
    code = (
        "import sys; sys.modules['yaml.cyaml'] = None\n"
        "from auditor.manifest.reader import read\nfrom auditor.manifest.yaml_text import Events\n"
        "from auditor.errors import UnreadableError\n"
        "assert Events.__name__ == 'Events'\n"
        "document = read(sys.argv[1].encode(), source='a.yaml')\n"
        "print(repr(document.value), document.place('/run/list/0/odd~1~0key/1/deep'))\n"
        "for text in ('a: 1e-4', 'a: !!str 1', 'a: 1\\na: 2', 'a: [', '[' * 70, 'a: *b', '<<: {}'):\n"
        "  try: read(text.encode(), source='a.yaml')\n"
        "  except UnreadableError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, YAML], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{yaml_value(YAML)!r} (7, 30)", *["refused"] * 7]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-17", -17),
        ("+3", 3),
        ("0", 0),
        ("0.1", 0.1),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.0e-4", 1e-4),
        ("2.5E+10", 2.5e10),
        ("-0.0", -0.0),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("9007199254740991", 2**53 - 1),
        ("1.2.3", "1.2.3"),
        ("2025-03-01", "2025-03-01"),
        ("2025-03-01T09:30:00Z", "2025-03-01T09:30:00Z"),
        ("sha256:00", "sha256:00"),
        ("8080:80", "8080:80"),
        ("nope", "nope"),
        ("yesterday", "yesterday"),
        ("e5", "e5"),
        ("1e5x", "1e5x"),
        ("<none>", "<none>"),
        ("None", "None"),
        ("'1e-4'", "1e-4"),
        ('"no"', "no"),
        ('"\\u2028"', "\u2028"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_scalars_with_one_meaning(text, value):
    read_value = yaml_value(f"key: {text}")
    assert read_value == {"key": value}
    assert type(read_value["key"]) is type(value)
    assert repr(read_value["key"]) == repr(value)


@pytest.mark.parametrize("source", ["a.yaml", "a.json"])
def test_byte_order_mark_and_crlf_change_nothing(source):
    plain = b'{"a": [1,\n "x"],\n "b": {}}'
    assert read(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"), source=source).value == read(plain, source=source).value


def test_digests_tell_bytes_and_meaning_apart():
    one = read(b"b: 2 # why\na: 1.0e+2\n", source="a.yaml")
    two = read(b'{"a": 100.0, "b": 2}', source="a.json")
    assert one.digest == two.digest == digest.of_value({"a": 100.0, "b": 2})
    assert one.bytes_digest == digest.of_bytes(b"b: 2 # why\na: 1.0e+2\n") != two.bytes_digest
    assert (one.format, two.format) == ("yaml", "json")


def test_json_is_never_read_as_yaml():
    assert json_value('{"lr": 1e-08, "n": 1E5, "on": "\\ud83d\\ude00", "y": "\\/"}') == {
        "lr": 1e-8,
        "n": 1e5,
        "on": "😀",
        "y": "/",
    }


def test_aliases_are_copied_not_shared():
    value = yaml_value("a: &x {k: [1]}\nb: *x\nc: &y 7\nd: *y\n")
    assert value == {"a": {"k": [1]}, "b": {"k": [1]}, "c": 7, "d": 7}
    assert value["a"] is not value["b"]
    assert value["a"]["k"] is not value["b"]["k"]


# --- YAML's surprises ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("1e-4", "1.0e-4 "),
        ("-1E5", "-1.0e+5 "),
        ("1.5e3", "1.5e+3 "),
        (".5e3", "0.5e+3 "),
        ("1234567e10", '"1234567e10"'),
        ("0123456", '"0123456"'),
        ("089", "leave out the zeros"),
        ("007.5", "leave out the zeros"),
        ("0o17", '"0o17"'),
        ("0x1F", '"0x1F"'),
        ("0b11", '"0b11"'),
        ("-0x1F", '"-0x1F"'),
        ("1_000", '"1_000"'),
        ("1_0.5", '"1_0.5"'),
        ("+.5", '"+.5"'),
        ("12:30:45", '"12:30:45"'),
        ("12:30", '"12:30"'),
        ("1:30.5", '"1:30.5"'),
        ("yes", "true"),
        ("On", "true"),
        ("Y", "true"),
        ("no", "false"),
        ("OFF", "false"),
        ("n", "false"),
        (".inf", '".inf"'),
        ("-.INF", '"-.INF"'),
        (".NaN", '".NaN"'),
        ("nan", '"nan"'),
        ("Infinity", '"Infinity"'),
        ("1.0e+999", "as text"),
        ("9007199254740992", "as text"),
        ("-9007199254740992", "as text"),
        ("1" * 40, "as text"),
        ("1" * 5000, "as text"),
    ],
)
def test_surprising_scalars_are_refused_with_the_alternative(text, instead):
    error = refusal(f"a: 1\nb:\n  - x\n  - {text}\n")
    assert (error.line, error.column) == (4, 5)
    assert instead in error.hint + " "
    refusal(f"{text}: 1\n")
    assert yaml_value(f"b: '{text}'") == {"b": text}


@pytest.mark.parametrize("key", ["1", "1.5", "true", "null", "~", "on", "0x1"])
def test_keys_that_are_not_text(key):
    error = refusal(f"a: 1\n{key}: 2\n")
    assert (error.line, error.column) == (2, 1)
    assert f'"{key}"' in error.hint


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "twice", (4, 3)),
        ("a: !!python/object:os.system x\n", "tag", (1, 4)),
        ("a: !!str 1\n", "tag", (1, 4)),
        ("a: ! x\n", "tag", (1, 4)),
        ("a: !!map {}\n", "tag", (1, 4)),
        ("a: [!x 1]\n", "tag", (1, 5)),
        ("a: &x {k: 1}\nb:\n  <<: *x\n", "merge", (3, 3)),
        ("a: 1\n---\nb: 1\n", "second document", (2, 1)),
        ("a: &x [*x]\n", "itself", (1, 8)),
        ("a: *x\n", "no anchor", (1, 4)),
        ("a: &x 1\nb: &x 2\n", "twice", (2, 4)),
        ("&x a: 1\n", "anchor cannot", (1, 1)),
        ("a: &x k\n*x : 1\n", "alias cannot", (2, 1)),
        ("[a]: 1\n", "cannot be a key", (1, 1)),
        ("? {a: 1}\n: 1\n", "cannot be a key", (1, 3)),
        ("%YAML 1.1\n---\na: 1\n", "directives", (1, 1)),
        ("%TAG ! tag:x,2000:\n---\na: 1\n", "directives", (1, 1)),
        ("# nothing\n\n", "nothing but", (None, None)),
        ("---\n...\n---\n...\n", "second document", (3, 1)),
        ("a: [1, 2\n", "not valid YAML", (2, 1)),
        ("a: b: c\n", "not valid YAML", (1, 5)),
        ("a:\n\t- 1\n", "not valid YAML", (2, 1)),
        ('a: "\\ud800"\n', "not valid YAML", (1, 7)),
        ("a: @x\n", "not valid YAML", (1, 4)),
        ("a: 1\nb: x\u2028y\n", "U+2028", (2, 5)),
        ("a: \x07\n", "U+0007", (1, 4)),
        ("a: \x85\n", "U+0085", (1, 4)),
        ("a: x\ufeff\n", "U+FEFF", (1, 5)),
        ("a: \x1b]0;x\n", "U+001B", (1, 4)),
    ],
)
def test_refused_yaml(text, words, place):
    error = refusal(text)
    assert words in error.message
    assert (error.line, error.column) == place


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ('{"a": 1,\n "b": {"c": 1, "c": 2}}', "twice", (2, 16)),
        ('{"a": 1, "\\u0061": 2}', "twice", (1, 10)),
        ('{"a": NaN}', "not a finite", (1, 7)),
        ("[1,\n -Infinity]", "not a finite", (2, 2)),
        ('{"a": 1e999}', "too large", (1, 7)),
        ('{"a": 9007199254740992}', "beyond", (1, 7)),
        ('{"a": ' + "1" * 5000 + "}", "beyond", (1, 7)),
        ('{"a": "\\ud800"}', "surrogate", (1, 7)),
        ('{"\\udc00": 1}', "surrogate", (1, 2)),
        ('{"a": 1,}', "not valid JSON", (1, 8)),
        ('{"a": 01}', "not valid JSON", (1, 8)),
        ("{'a': 1}", "not valid JSON", (1, 2)),
        ('{"a": "\n"}', "not valid JSON", (1, 8)),
        ('{"a": 1} {}', "not valid JSON", (1, 10)),
        ('{"a": "\\ud800\n', "not valid JSON", (1, 14)),
        ("// x\n{}", "not valid JSON", (1, 1)),
    ],
)
def test_refused_json(text, words, place):
    error = refusal(text, source="a.json")
    assert words in error.message
    assert error.line == place[0]
    # Where a syntax error begins is the parser's opinion, which changed by one column between versions of Python.
    assert abs(error.column - place[1]) <= (1 if "not valid" in words else 0)


@pytest.mark.parametrize(
    "text",
    ['{"{a":' + "5" * 22 + '%5 "b": [1]}', "[1, 1e999%]", '{"a": NaN%}', '{"a": 1, "a" 2 : Infinity%, "b": 1}'],
)
def test_a_word_that_only_begins_as_a_doubtful_number_is_refused(text):
    assert "not valid JSON" in refusal(text, "a.json").message


@given(st.text(alphabet='{}[]",:0159%eE+-.nulltrefasINy\\ \n', max_size=40))
@settings(max_examples=300, deadline=None)
def test_whatever_looks_like_json_is_read_or_refused_and_nothing_else(text):
    with contextlib.suppress(UnreadableError):
        read(text.encode(), source="a.json")


@pytest.mark.parametrize("source", ["a.yaml", "a.json"])
@pytest.mark.parametrize(
    ("raw", "words", "place"),
    [
        (b"", "empty", (1, 1)),
        (b"\xef\xbb\xbf", "empty", (1, 1)),
        (b" \r\n\n", "empty", (1, 1)),
        (b"a: 1\nb: \x00", "NUL", (2, 4)),
        ("a: 1".encode("utf-16"), "NUL", (1, None)),
        (b"a: 1\nb: \xc3\xa9\xff", "UTF-8: byte 0xff", (2, 5)),
        (b"\xed\xa0\x80", "UTF-8", (1, 1)),
        (b"\x80\x04\x95\x10", "UTF-8", (1, 1)),
    ],
)
def test_refused_bytes(source, raw, words, place):
    error = refusal(raw, source=source)
    assert words in error.message
    assert error.line == place[0]
    assert place[1] in (error.column, None)


# --- bounds ----------------------------------------------------------------------------------------------------------


def bomb(levels, width=9):
    lines = ["a0: &a0 lol"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def quickly(function, seconds=60.0):
    """Far more than it takes on any machine, far less than what explodes would take."""
    start = time.perf_counter()
    result = function()
    assert time.perf_counter() - start < seconds
    return result


def test_an_alias_bomb_dies_quickly():
    error = quickly(lambda: refusal(bomb(30)))
    assert "10,000 values" in error.message
    assert error.line < 8
    assert yaml_value(bomb(3))["a2"][8][8] == "lol"


def test_an_alias_bomb_of_long_texts_dies_quickly():
    error = quickly(lambda: refusal(f"a: &a {'x' * 500_000}\nb: [{','.join(['*a'] * 9000)}]\n"))
    assert "characters of text" in error.message


def test_an_alias_cannot_go_deeper_than_text():
    nested = "[" * 6 + "]" * 6
    assert yaml_value(f"a: &a {nested}\n")
    error = refusal(f"a: &a {nested}\nb: [[*a]]\n", depth=8)
    assert "nested" in error.message


@pytest.mark.parametrize("source", ["a.yaml", "a.json"])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_depth(source, opening):
    closing = "]" if opening == "[" else "}"
    fits = opening * 64 + "1" + closing * 64
    assert read(fits.encode(), source=source).value
    error = refusal(opening + fits + closing, source=source)
    assert "64 levels" in error.message
    assert (error.line, error.column) == (1, len(opening) * 64 + 1)
    assert "64 levels" in quickly(lambda: refusal(opening * 1_000_000, source=source), 5.0).message


@pytest.mark.parametrize("source", ["a.yaml", "a.json"])
def test_number_of_values(source):
    assert len(read(b"[1,2,3,4]", source=source, limits=Limits(nodes=5)).value) == 4
    error = refusal("[1,2,3,4,5]", source=source, nodes=5)
    assert "more than 5 values" in error.message


def test_values_behind_aliases_count():
    assert "more than 9 values" in refusal("a: &a [1, 2, 3]\nb: [*a, *a]\n", nodes=9).message


def test_commas_in_texts_are_no_values():
    assert json_value('["a,b,c,d,e"]') == read(b'["a,b,c,d,e"]', source="a.json", limits=Limits(nodes=3)).value


@pytest.mark.parametrize("source", ["a.yaml", "a.json"])
def test_size(source):
    assert "at most 8 are read" in refusal(b"[1,2,3,4]", source=source, size=8).message


# --- files -----------------------------------------------------------------------------------------------------------


def file_refusal(path):
    with pytest.raises(UnreadableError) as caught:
        read_file(path)
    assert caught.value.hint
    assert str(caught.value).isprintable()
    return caught.value


def test_a_file_and_a_link_to_it(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "b.yaml").symlink_to("a.yaml")
    assert read_file(tmp_path / "a.yaml").source == str(tmp_path / "a.yaml")
    assert read_file(tmp_path / "b.yaml", source="runs/b.yaml").source == "runs/b.yaml"
    assert read_file(tmp_path / "b.yaml").value == {"a": 1}


def test_a_hundred_megabytes_are_refused_unread(tmp_path):
    with (tmp_path / "a.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    error = quickly(lambda: file_refusal(tmp_path / "a.yaml"), 0.5)
    assert "100,000,000 bytes" in error.message


def test_a_file_that_tells_no_size_is_bounded_all_the_same(tmp_path):
    with pytest.raises(UnreadableError, match="too large"):
        read_file(tmp_path.__class__("/proc/self/maps"), limits=Limits(size=10))


def test_what_is_no_regular_file(tmp_path):
    assert "directory" in file_refusal(tmp_path).message
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "regular" in quickly(lambda: file_refusal(tmp_path / "pipe.yaml"), 0.5).message
    (tmp_path / "null.yaml").symlink_to("/dev/zero")
    assert "regular" in file_refusal(tmp_path / "null.yaml").message


def test_what_cannot_be_opened(tmp_path):
    assert "No such file" in file_refusal(tmp_path / "absent.yaml").message
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert "symbolic links" in file_refusal(tmp_path / "loop.yaml").message
    assert "embedded null" in file_refusal(tmp_path / "a\0b").message
    (tmp_path / "locked.yaml").write_text("a: 1\n")
    (tmp_path / "locked.yaml").chmod(0)
    if os.access(tmp_path / "locked.yaml", os.R_OK):  # root reads everything
        assert read_file(tmp_path / "locked.yaml").value == {"a": 1}
    else:
        assert "Permission denied" in file_refusal(tmp_path / "locked.yaml").message


def test_a_file_name_that_is_not_utf8(tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n.yaml")
    with open(name, "w") as stream:  # noqa: PTH123  # the name is the point
        stream.write("a: [\n")
    error = file_refusal(tmp_path.__class__(name))
    assert "\\xff" in error.source


# --- places ----------------------------------------------------------------------------------------------------------

YAML = """\
# a comment
schema: x
run:
  id: "é"
  list:
    - name: a
      "odd/~key": [1, {deep: 2}]
    - &x b
    - *x
empty:
"""
JSON = """\
{"schema": "x",
 "run": {"id": "é", "list": [
   {"name": "a", "odd/~key": [1, {"deep": 2}]},
   "b", true]},
 "empty": null}
"""


@pytest.mark.parametrize(
    ("pointer", "yaml_place", "json_place"),
    [
        ("", (2, 1), (1, 1)),
        ("/schema", (2, 9), (1, 12)),
        ("/run", (4, 3), (2, 9)),
        ("/run/id", (4, 7), (2, 16)),
        ("/run/list/0/name", (6, 13), (3, 13)),
        ("/run/list/0/odd~1~0key/1/deep", (7, 30), (3, 43)),
        ("/run/list/1", (8, 7), (4, 4)),
        ("/run/list/2", (9, 7), (4, 9)),
        ("/empty", (10, 7), (5, 11)),
        ("/run/absent/deeper", (4, 3), (2, 9)),
        ("/run/list/7", (6, 5), (2, 29)),
        ("/nowhere", (2, 1), (1, 1)),
        ("nonsense", (2, 1), (1, 1)),
    ],
)
def test_places(pointer, yaml_place, json_place):
    assert read(JSON.encode(), source="a.json").place(pointer) == json_place
    place = read(YAML.encode(), source="a.yaml").place(pointer)
    assert place[0] == yaml_place[0]
    assert place == yaml_place


@pytest.mark.parametrize(
    "text", ["[1, [2, [], {}], {}]", "3", '"x"', '{"": {"": 1}}', json.dumps({"a": {"b": ["😀", "\\"]}}, ensure_ascii=False)]
)
def test_both_forms_have_the_same_places(text):
    yaml, js = (read(text.encode(), source=name) for name in ("a.yaml", "a.json"))
    for pointer in ("", "/0", "/1", "/1/1", "/1/2", "/2", "/", "//", "/a/b/1"):
        assert yaml.place(pointer) == js.place(pointer)


def test_places_of_long_keys_stay_small():
    text = '{"' + "k" * 1_000_000 + '": [' + ",".join("1" * 50_000) + "]}"
    assert quickly(lambda: read(text.encode(), source="a.json").place("/x"), 5.0) == (1, 1)
