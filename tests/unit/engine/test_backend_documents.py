"""Which parser reads a fetched text, and messages that never repeat it (spec/data.md 4.1, 4.3, 5.1)."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.documents import DocumentError, parse_for_extract, parse_for_query, parse_yaml, strict_json
from kubectl_asm.manifest.nodes import TypedKey


@pytest.mark.parametrize("text", ['{"a":1}', "[1]", '{"a":1}\n \t', "{}", '{"a":1,"a":2}', '{"a":"\\ud800"}'])
def test_strict_json(text):
    assert strict_json(text)[0]


@pytest.mark.parametrize(
    "text", ["", " {}", "\ufeff{}", '"a"', "1", "null", "{} x", "{a: 1}", "[1,]", '{"a":NaN}', '{"a":1e999}', "{'a':1}"]
)
def test_other_text(text):
    assert strict_json(text) == (False, None)


def test_numbers_of_strict_json_are_floats_and_those_of_yaml_are_not():
    assert isinstance(parse_for_extract('{"a":1}').value["a"], float)
    assert type(parse_for_query('{"a":1}').value["a"]) is int


def test_a_query_falls_back_to_json_with_the_last_of_equal_keys():
    parsed = parse_for_query('{"a":1,"a":2}')
    assert parsed.is_json
    assert parsed.value["a"] == 2.0


def test_json_with_space_before_it_is_read_as_json_when_yaml_refuses_it_but_is_no_strict_json():
    parsed = parse_for_query(' {"a":1,"a":2}')
    assert not parsed.is_json
    assert parsed.value["a"] == 2.0


def test_only_the_first_document_counts():
    assert parse_yaml("a: 1\n---\n{{broken") == {"a": 1}
    assert parse_yaml("# head\n---\na: 1\n---\na: 2") == {"a": 1}


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert parse_yaml("\ufeffa: 1") == {"a": 1}


def test_old_booleans_are_texts_here():
    assert parse_yaml("[yes, on, n, Y, true]") == ["yes", "on", "n", "Y", True]


def test_keys_keep_their_type():
    assert parse_yaml("1: a\n'1': b\ntrue: c\n1.0: d") == {TypedKey(1): "a", "1": "b", TypedKey(True): "c", TypedKey(1.0): "d"}


def test_merge_keys_fill_only_what_is_missing():
    text = "base: &b {a: 1, b: 2}\nx:\n  <<: *b\n  b: 3\ny: {<<: [*b, {c: 4}]}"
    document = parse_yaml(text)
    assert document["x"] == {"b": 3, "a": 1}
    assert document["y"] == {"a": 1, "b": 2, "c": 4}


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "\ta: 1",
        "a: *nope",
        "a: [",
        "{",
        "a: b: c",
        "x: @a",
        "a: !!int b",
        "[a]: b",
        "&a [*a]",
        "a: \x00",
        "\udcff: 1",
    ],
)
def test_what_yaml_refuses_has_a_message_without_its_text(text):
    with pytest.raises(DocumentError) as caught:
        parse_yaml(text)
    assert str(caught.value).startswith("not a YAML or JSON document: line ")
    assert '"' not in str(caught.value)


def test_a_parsed_document_does_not_print_its_value():
    assert "hunter2" not in repr(parse_for_query("a: hunter2"))
