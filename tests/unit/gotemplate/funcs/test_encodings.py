"""Encodings report errors at the byte where Go stops; JSON is Go's; sums are over bytes."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_asm.gotemplate.funcs.encoding import b32dec, b32enc, b64dec, b64enc, decode_base64
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import GoList, GoMap, text_of


@given(st.binary())
def test_any_bytes_survive_both_encodings(data):
    assert b64dec(b64enc(text_of(data))) == text_of(data)
    assert b32dec(b32enc(text_of(data))) == text_of(data)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("aGVs\r\nbG8=\n", "hello"), ("aGk=\n", "hi"), ("aR==", "i"), ("", ""),
        ("aGk", "illegal base64 data at input byte 0"), ("aGk=x", "illegal base64 data at input byte 4"),
        ("a===", "illegal base64 data at input byte 1"), ("aa=x", "illegal base64 data at input byte 2"),
        ("aa=", "illegal base64 data at input byte 3"), ("aGVsbG8", "illegal base64 data at input byte 4"),
        ("aGV!", "illegal base64 data at input byte 3"),
    ],
)  # fmt: skip
def test_base64_is_decoded_or_becomes_its_error_text(text, result):
    assert b64dec(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("MFRGG===", "abc"), ("MFRGG\n===", "abc"), ("MFRGG===MFRGG===", "illegal base32 data at input byte 5"),
        ("MFRGG", "illegal base32 data at input byte 0"), ("mfrgg===", "illegal base32 data at input byte 0"),
        ("MFR=====", "illegal base32 data at input byte 3"), ("MFRGG==X", "illegal base32 data at input byte 6"),
        ("MFRGG==", "illegal base32 data at input byte 7"), ("M=======", "illegal base32 data at input byte 1"),
    ],
)  # fmt: skip
def test_base32_is_decoded_or_becomes_its_error_text(text, result):
    assert b32dec(text) == result


@given(st.text(alphabet="AZaz09+/=\n", max_size=12))
def test_accepted_base64_is_what_the_standard_library_decodes(text):
    shown = b64dec(text)
    if not shown.startswith("illegal base64"):
        assert decode_base64(text) == base64.b64decode(text)


def test_json_functions(call):
    value = GoMap({"b": "<é>", "a": GoList([1, 2.0, None])})
    assert call("toJson", value) == '{"a":[1,2,null],"b":"\\u003cé\\u003e"}'
    assert call("toRawJson", value) == '{"a":[1,2,null],"b":"<é>"}'
    assert call("toPrettyJson", GoMap({"a": GoList()})) == '{\n  "a": []\n}'
    assert call("fromJson", "{") is None
    assert call("toJson", float("nan")) == ""
    with pytest.raises(FunctionError, match="json: unsupported value: NaN"):
        call("mustToJson", float("nan"))
    with pytest.raises(FunctionError, match="unexpected end of JSON input"):
        call("mustFromJson", "")


def test_a_map_inside_of_itself_has_no_json_and_one_that_is_met_twice_has(call):
    value = GoMap({"a": "b"})
    assert call("toJson", GoList([value, value])) == '[{"a":"b"},{"a":"b"}]'
    value["self"] = GoList([value])
    assert call("toJson", value) == ""
    assert call("toPrettyJson", value) == ""
    for name in ("mustToJson", "toRawJson"):
        with pytest.raises(FunctionError, match=r"unsupported value: encountered a cycle via map\[string\]interface \{\}"):
            call(name, value)


def test_sums_are_over_bytes(call):
    assert call("adler32sum", "Hello World") == "403375133"
    assert call("sha1sum", "  pad ") == "629c6923668ac3da173b11459e4ca0f51862ea53"
    assert call("sha256sum", text_of(b"\xff\xfe")).startswith("b3d510ef")
    assert len(call("sha512sum", "")) == 128


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("regexMatch", ("(", "x"), False),
        ("regexMatch", ("^a", "ab"), True),
        ("regexFind", ("b+", "abbc"), "bb"),
        ("regexFind", ("x", "abc"), ""),
        ("regexFindAll", ("[a-z]", "a1b2c", 2), ["a", "b"]),
        ("regexSplit", (",", "a,b", -1), ["a", "b"]),
        ("regexReplaceAll", ("(a)(b)", "abab", "$2${1}x"), "baxbax"),
        ("regexReplaceAllLiteral", ("a", "aa", "$0"), "$0$0"),
        ("regexQuoteMeta", ("a.b",), "a\\.b"),
        ("mustRegexMatch", ("a", "b"), False),
    ],
)
def test_regular_expression_function(call, name, arguments, result):
    assert call(name, *arguments) == result


def test_no_match_is_a_nil_list(call):
    assert call("regexFindAll", "x", "abc", -1).is_nil
    assert call("regexSplit", ",", "a,b", 0).is_nil


def test_bad_pattern_is_an_error_with_one_of_two_texts(call):
    with pytest.raises(FunctionError) as plain:
        call("regexFind", "(", "x")
    assert plain.value.text == "regexp: Compile(`(`): error parsing regexp: missing closing ): `(`"
    with pytest.raises(FunctionError) as must:
        call("mustRegexFind", "(", "x")
    assert must.value.text == "error parsing regexp: missing closing ): `(`"


@pytest.mark.parametrize(
    ("name", "path", "result"),
    [
        ("clean", "a/b/../c//./d", "a/c/d"), ("clean", "/../a", "/a"), ("clean", "../../a", "../../a"), ("clean", "", "."),
        ("base", "/a/b/", "b"), ("base", "", "."), ("base", "//", "/"), ("dir", "/a/b.c", "/a"), ("dir", "a", "."),
        ("ext", "a/b.tar.gz", ".gz"),
        ("ext", "a.b/c", ""), ("isAbs", "/a", True), ("osIsAbs", "a", False), ("osBase", "a/b", "b"),
    ],
)  # fmt: skip
def test_path_function(call, name, path, result):
    assert call(name, path) == result
