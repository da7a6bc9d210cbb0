"""Floats, JSON, regular expressions and literals as Go has them."""

from __future__ import annotations

import pytest

from kubectl_asm.gotemplate import gojson
from kubectl_asm.gotemplate.floats import format_json, format_v
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.gotemplate.printf import sprintf
from kubectl_asm.gotemplate.quoting import LiteralError, quote, unquote
from kubectl_asm.gotemplate.values import GoMap, from_plain, text_of, type_of


@pytest.mark.parametrize(
    ("number", "shown", "json_text"),
    [
        (3.5, "3.5", "3.5"),
        (100000.0, "100000", "100000"),
        (1e6, "1e+06", "1000000"),
        (12345678.5, "1.23456785e+07", "12345678.5"),
        (1e-4, "0.0001", "0.0001"),
        (1e-5, "1e-05", "0.00001"),
        (1e-7, "1e-07", "1e-7"),
        (1e20, "1e+20", "100000000000000000000"),
        (1e21, "1e+21", "1e+21"),
        (-0.0, "-0", "-0"),
    ],
)
def test_floats_are_written_by_the_rule_of_the_place(number: float, shown: str, json_text: str) -> None:
    assert (format_v(number), format_json(number)) == (shown, json_text)


def test_json_sorts_keys_and_escapes_html() -> None:
    assert (
        gojson.dumps({"é": "<&>\u2028", "a": [1, 1.0, None, True]}) == '{"a":[1,1,null,true],"é":"\\u003c\\u0026\\u003e\\u2028"}'
    )
    assert gojson.dumps("<\x7f\n\x01", escape_html=False) == '"<\x7f\\n\\u0001"'
    assert gojson.dumps({"a": [], "b": [1]}, indent="  ") == '{\n  "a": [],\n  "b": [\n    1\n  ]\n}'


def test_json_replaces_bytes_that_are_no_text() -> None:
    assert gojson.dumps(text_of(b"a\xff")) == '"a\\ufffd"'


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "01", "1 2", "NaN", "'a'", '"\\x"', '"a\nb"', "1e400", "nul", '{"a":1,}', "[" * 20000]
)
def test_json_reader_is_strict(text: str) -> None:
    with pytest.raises(gojson.JSONError):
        gojson.loads(text)


def test_json_reader_takes_the_last_of_equal_keys_and_makes_floats() -> None:
    value = gojson.loads('{"a":1,"a":2,"s":"\\ud83d\\ude00\\ud800"}')
    assert isinstance(value, GoMap)
    assert dict(value) == {"a": 2.0, "s": "😀\ufffd"}
    assert type_of(value["a"]) == "float64"


@pytest.mark.parametrize(
    ("pattern", "text", "replacement", "result"),
    [
        (r"\.", "a.b.c", "-", "a-b-c"),
        (r"(\w+)_(\w+)", "db_user", "$2_$1", "db"),
        (r"(\w+)_(\w+)", "db_user", "${2}_$1", "user_db"),
        ("", "ab", "x", "xaxbx"),
        ("a*", "baaac", "-", "-b-c-"),
        ("(?P<n>b)", "abc", "[$n][${n}][$$]", "a[b][b][$]c"),
        ("^", "name", "p_", "p_name"),
    ],
)
def test_replacing_follows_go(pattern: str, text: str, replacement: str, result: str) -> None:
    assert compile_regex(pattern).replace_all(text, replacement) == result


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", r"\C", "x{1001}", "(a){1000}" * 100])
def test_patterns_go_refuses_are_refused(pattern: str) -> None:
    with pytest.raises(RegexError, match=r"^error parsing regexp: "):
        compile_regex(pattern)


def test_an_invalid_byte_matches_as_one_character() -> None:
    assert compile_regex(".").replace_all(text_of(b"a\xffb"), "<$0>") == text_of(b"<a><\xff><b>")


def test_literals_survive_a_round_trip() -> None:
    for text in ("", 'a"b\\c', "é日\u200b\x7f\x00", text_of(b"\xff\xe6"), "😀\n\t"):
        assert unquote(quote(text)) == text


@pytest.mark.parametrize("literal", ['"\\q"', '"\\ud800"', '"\\400"', '"\\\'"', '"\\x1"'])
def test_bad_escapes_are_refused(literal: str) -> None:
    with pytest.raises(LiteralError):
        unquote(literal)


def test_format_mistakes_become_text() -> None:
    assert sprintf("%d %z %s", ["x", 1]) == "%!d(string=x) %!z(int=1) %!s(MISSING)"
    assert sprintf("%", []) == "%!(NOVERB)"
    assert sprintf("a", [1, None]) == "a%!(EXTRA int=1, <nil>)"


def test_plain_data_becomes_go_values() -> None:
    value = from_plain({"b": b"\xff", "l": [1, {"x": None}]})
    assert isinstance(value, GoMap)
    assert type_of(value) == "map[string]interface {}"
    assert value["b"] == text_of(b"\xff")
    with pytest.raises(TypeError):
        from_plain(object())
