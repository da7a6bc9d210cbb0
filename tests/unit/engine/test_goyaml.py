"""Every recorded answer of yaml.v3: what it writes for a value and how it reads a plain scalar.

The table names its versions in its first line; tests/fuzz/differential_yaml.py writes it anew where Go is present.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kubectl_asm.engine import goyaml
from kubectl_asm.engine.documents import parse_yaml
from kubectl_asm.manifest.nodes import TypedKey
from tests.fuzz.differential_yaml import TABLE, differs


def rows():
    head, *lines = TABLE.read_text().splitlines()
    assert set(json.loads(head)) == {"yaml.v3", "go"}
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", ["value", "plain"])
def test_every_recorded_answer_is_given(kind):
    chosen = [row for row in rows() if kind in row]
    assert len(chosen) > 500
    assert [row for row in chosen if differs(row)] == []


def test_natural_order_of_keys():
    keys = ["a10", "a2", "B", "10", "2", "_", "ab1", "ab01"]
    assert goyaml.sorted_keys(dict.fromkeys(keys)) == ["_", "2", "10", "B", "a2", "a10", "ab1", "ab01"]


def test_keys_of_other_types_come_first():
    moment = TypedKey(datetime(2024, 1, 1, tzinfo=UTC))
    mapping = {"a": 1, TypedKey(2): 1, TypedKey(None): 1, moment: 1, TypedKey(True): 1}
    assert [getattr(key, "value", key) for key in goyaml.sorted_keys(mapping)] == [None, True, 2, "a", moment.value]


def test_a_digit_run_of_any_length_has_a_place():
    keys = ["a" + "9" * 5000, "a1"]
    assert sorted(goyaml.sorted_keys(dict.fromkeys(keys))) == sorted(keys)


def test_a_key_of_more_than_128_bytes_is_written_as_a_complex_key():
    assert goyaml.dump({"é" * 65: 1}) == f"? {'é' * 65}\n: 1\n"
    assert goyaml.dump({"a" * 128: 1}) == f"{'a' * 128}: 1\n"


def test_bytes_that_are_no_text_are_written_as_binary():
    assert goyaml.dump(["\udcff"]) == "- !!binary /w==\n"


def test_binary_of_a_document_comes_back_as_its_bytes():
    assert parse_yaml("a: !!binary aGk=") == {"a": "hi"}
    assert parse_yaml("a: !!binary /w==") == {"a": "\udcff"}


@pytest.mark.parametrize(("moment", "text"), [
    (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01T00:00:00Z"),
    (datetime(2024, 1, 1, 2, 3, 4, 500000, tzinfo=UTC), "2024-01-01T02:03:04.5Z"),
    (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
])  # fmt: skip
def test_instants(moment, text):
    assert goyaml.rfc3339(moment) == text


def test_deep_documents_are_written_without_exhausting_the_stack():
    value: object = 1
    for _ in range(290):
        value = {"a": value}
    assert goyaml.dump(value).count("a:") == 290
