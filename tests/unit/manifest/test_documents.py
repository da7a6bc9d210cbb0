"""Files to documents, and places back from paths: split marks, JSON streams, encodings, spans of every style."""

from __future__ import annotations

import pytest

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText, decode_text, parse_documents, split_documents


def parse(text):
    data = text.encode() if isinstance(text, str) else text
    return list(parse_documents(SourceText("f.yaml", data)))


def values(text):
    return [item.value if not isinstance(item, InputError) else item.message for item in parse(text)]


def span(text, *path, key=False, document=0):
    found = parse(text)[document].span(path, key=key)
    return found.line, found.column


# -- splitting


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("\n\n# nothing\n---\n---  # more\n...\n", []),
        ("a: 1", [(1, "a: 1")]),
        ("---\na: 1\n---\nb: 2\n", [(1, "---\na: 1\n"), (3, "---\nb: 2\n")]),
        ("--- a\n--- b", [(1, "--- a\n"), (2, "--- b")]),
        ("a: 1\r\n---\r\nb: 2\r\n", [(1, "a: 1\r\n"), (2, "---\r\nb: 2\r\n")]),
        ("---a: 1\n----\n --- x", [(1, "---a: 1\n----\n --- x")]),
        ("# head\n---\na: 1\n# tail\n---\n# only a comment\n", [(2, "---\na: 1\n# tail\n")]),
        ("a: 1\n...\n---\nb: 2", [(1, "a: 1\n...\n"), (3, "---\nb: 2")]),
    ],
)
def test_split_marks(text, wanted):
    assert list(split_documents(text)) == wanted


def test_a_mark_at_column_zero_ends_a_block_scalar_and_an_indented_one_does_not():
    assert values("a: |\n  x\n---\nb: 1") == [{"a": "x\n"}, {"b": 1}]
    assert values("a: |\n  x\n  ---\n  y\n") == [{"a": "x\n---\ny\n"}]


def test_parts_put_together_are_the_text():
    text = "# head\na: 1\n---\nb: 2\n--- # c\nc: |\n  x\n"
    assert "".join(part for _, part in split_documents(text)) == text


def test_a_broken_document_hides_no_other():
    found = parse("a: 1\n---\nb: [\n---\nc: 3\n")
    assert [isinstance(item, InputError) for item in found] == [False, True, False]
    assert found[1].line in (3, 4)
    assert (found[2].first_line, found[2].index) == (4, 2)


# -- encodings


def test_a_byte_order_mark_is_skipped_and_utf_16_is_read():
    assert values(b"\xef\xbb\xbfa: 1") == [{"a": 1}]
    assert values("\ufeffa: é".encode("utf-16-le")) == [{"a": "é"}]
    assert values("\ufeffa: é".encode("utf-16-be")) == [{"a": "é"}]


@pytest.mark.parametrize(("data", "line"), [(b"a: 1\nb: \xff", 2), (b"\xc3(", 1), (b"a\n\x00", 2), (b"\xff\xfea", 1)])
def test_bytes_that_are_no_text_are_refused_with_their_line(data, line):
    with pytest.raises(InputError) as caught:
        decode_text(SourceText("f", data))
    assert caught.value.line == line
    assert isinstance(parse(data)[0], InputError)


def test_carriage_returns_are_no_part_of_values():
    assert values("a: x\r\nb: |\r\n  y\r\n  z\r\n") == [{"a": "x", "b": "y\nz\n"}]


# -- JSON


def test_a_file_that_begins_with_a_brace_is_json():
    assert values(' \n{"a": "yes", "b": 1, "c": 1.5, "d": null}') == [{"a": "yes", "b": 1, "c": 1.5, "d": None}]
    assert "not valid JSON" in values("{a: 1}")[0]


def test_a_list_is_not_taken_for_json():
    assert values("[yes]") == [[True]]


def test_documents_of_a_json_stream_with_and_without_marks():
    assert values('{"a":1}{"b":2}\n{"c":3}\n---\n{"d":4}\n---\n') == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]


def test_places_in_a_json_stream():
    text = '{"a":1} {"b":{"c":2}}\n---\n{"d":\n 4}'
    assert span(text, "a") == (1, 6)
    assert span(text, "b", "c", document=1) == (1, 19)
    assert span(text, "d", document=2) == (4, 2)
    assert [item.index for item in parse(text)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ('{"a": 1,}', "not valid JSON", (1, 9)),
        ('{"a":\n tru}', "not valid JSON", (2, 2)),
        ('{"a": 1', "not valid JSON", (1, 8)),
        ('{"a": 1} x', "not valid JSON", (1, 10)),
        ('{"a": 1,\n "a": 2}', 'duplicate key "a"', (2, 2)),
        ('{"x": {"a": 1,\n "\\u0061": 2}}', 'duplicate key "a"', (2, 2)),
        ('{"a": NaN}', "NaN is no number", (1, 0)),
        ('{"a": -Infinity}', "-Infinity is no number", (1, 0)),
        ('{"a":' * 400 + "1" + "}" * 400, "levels deep", (1, 0)),
        ('{"a":' * 20_000, "too deeply", (1, 0)),
    ],
)
def test_json_that_is_refused(text, message, place):
    error = parse(text)[-1]
    assert message in error.message
    assert (error.line, error.column) == place


def test_many_members_with_one_twice_are_no_hang():
    text = "{" + ",".join(f'"{number}":1' for number in range(40_000)) + ',"39999":2}'
    assert 'duplicate key "39999"' in parse(text)[0].message


def test_numbers_of_any_length_and_halves_of_characters():
    assert values('{"a": ' + "9" * 5000 + "}") == [{"a": float("inf")}]
    assert values('{"a": "x\\ud800y", "\\udfff": ["\\ud83d\\ude00"]}') == [{"a": "x\ufffdy", "\ufffd": ["\U0001f600"]}]


# -- places

MANIFEST = """\
# head
---
metadata: {name: x, labels: {"a b": c}}
spec:
  data:
  - key: k
    paths: [{p: "1"}, {p: '2'}]
  -
    key: m
  base: &base
    one: 1
    two: {three: 3}
  merged:
    <<: *base
    own: 1
  alias: *base
  text: |
    first
    second
  日本: {wide: "😀", after: x}
  1: number
  on: switch
"""


@pytest.mark.parametrize(
    ("path", "value_place", "key_place"),
    [
        (("metadata", "name"), (3, 18), (3, 12)),
        (("metadata", "labels", "a b"), (3, 37), (3, 30)),
        (("spec", "data", 0, "key"), (6, 10), (6, 5)),
        (("spec", "data", 0, "paths", 1, "p"), (7, 27), (7, 24)),
        (("spec", "data", 1, "key"), (9, 10), (9, 5)),
        (("spec", "merged", "own"), (15, 10), (15, 5)),
        (("spec", "merged", "two", "three"), (12, 18), (12, 11)),
        (("spec", "alias", "one"), (11, 10), (11, 5)),
        (("spec", "text"), (17, 9), (17, 3)),
        (("spec", "日本", "after"), (20, 26), (20, 19)),
        (("spec", "1"), (21, 6), (21, 3)),
        (("spec", "on"), (22, 7), (22, 3)),
    ],
)
def test_places_of_values_and_keys(path, value_place, key_place):
    assert span(MANIFEST, *path) == value_place
    assert span(MANIFEST, *path, key=True) == key_place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("spec", "data", 7), (6, 3)),
        (("spec", "data", "x"), (6, 3)),
        (("spec", "data", 0, "nope"), (6, 5)),
        (("nope",), (3, 1)),
        ((), (3, 1)),
    ],
)
def test_what_is_absent_has_the_place_of_its_nearest_parent(path, place):
    assert span(MANIFEST, *path) == place


def test_a_byte_order_mark_and_carriage_returns_do_not_move_places():
    text = "\ufeffa: 1\r\nb:\r\n  c: x\r\n"
    assert span(text, "b", "c") == (3, 6)
    assert span(text, "a") == (1, 4)


def test_a_span_ends_after_the_value():
    found = parse("a: hello\n")[0].span(("a",))
    assert (found.end_line, found.end_column) == (1, 9)


def test_places_in_json_with_escapes_that_yaml_does_not_know():
    assert span('{"a":"\\ud83d\\ude00",\n "b":1}', "b") == (1, 1)


def test_a_document_does_not_print_its_text():
    assert "hunter2" not in repr(parse("a: hunter2")[0])
