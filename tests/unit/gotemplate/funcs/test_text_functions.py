"""Text functions count bytes, keep every byte, and map one character to one character."""

import pytest

from kubectl_asm.gotemplate.budget import BudgetExceeded
from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import GoList, GoMap, Int64, strings, text_of

INVALID = text_of(b"a\x80b")


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("trunc", (3, "héllo"), "hé"),
        ("trunc", (-3, "hello"), "llo"),
        ("trunc", (-9, "hello"), "hello"),
        ("substr", (6, -1, "hello world"), "world"),
        ("substr", (-1, 3, "hello"), "hel"),
        ("abbrev", (8, "hello world"), "hello..."),
        ("abbrev", (3, "hello world"), "hello world"),
        ("abbrevboth", (5, 10, "1234 5678 9123"), "...5678..."),
        ("trim", ("\u00a0 a \n",), "a"),
        ("trimAll", ("$€", "€$5.00$"), "5.00"),
        ("trimPrefix", ("a", "aab"), "ab"),
        ("trimSuffix", ("b", "abb"), "ab"),
        ("replace", ("", "-", "aé"), "-a-é-"),
        ("repeat", (2, "ab"), "abab"),
        ("indent", (2, "a\n\nb\n"), "  a\n  \n  b\n  "),
        ("nindent", (1, "a"), "\n a"),
        ("wrap", (5, "one two verylongword x"), "one\ntwo\nverylongword\nx"),
        ("wrapWith", (4, "|", "abcdefghij kl"), "abcd|efgh|ij|kl"),
        ("plural", ("one", "many", 1), "one"),
        ("plural", ("one", "many", 0), "many"),
        ("join", ("-", GoList([1, None, "a", 2.5])), "1-a-2.5"),
        ("join", ("-", "alone"), "alone"),
        ("cat", ("a", None, Int64(3)), "a 3"),
        ("quote", ("it's", None, 'say "hi"\n'), '"it\'s" "say \\"hi\\"\\n"'),
        ("squote", ("it's", 3), "'it's' '3'"),
        ("toString", (True,), "true"),
        ("hello", (), "Hello!"),
        ("contains", ("é", "café"), True),
        ("hasPrefix", ("a", "ab"), True),
        ("hasSuffix", ("a", "ab"), False),
    ],
)
def test_text_function_gives_what_go_gives(call, name, arguments, result):
    assert call(name, *arguments) == result


@pytest.mark.parametrize(
    ("name", "text", "result"),
    [
        ("upper", "straße ŉ", "STRAßE ŉ"),
        ("lower", "İΣ", "iσ"),
        ("upper", INVALID, "A\ufffdB"),
        ("title", "hello wörld_x a-b", "Hello Wörld_x A-B"),
        ("untitle", "Hello World", "hello world"),
        ("swapcase", "aBC ǅx", "Abc ǆX"),
        ("initials", "First Last", "FL"),
        ("nospace", " a\tb ", "ab"),
        ("nospace", "é x", "Ã©x"),
        ("snakecase", "FirstName", "first_name"),
        ("snakecase", "HTTP20xOK", "http_20x_ok"),
        ("snakecase", "Bld4Floor3rd", "bld4_floor_3rd"),
        ("snakecase", "GO PATH", "go_path"),
        ("kebabcase", "HTTPServer", "http-server"),
        ("camelcase", "http_server", "HttpServer"),
        ("camelcase", "_complex__case_", "_Complex_Case_"),
        ("camelcase", "_", "__"),
        ("camelcase", "GOLANG_IS_GREAT", "GolangIsGreat"),
    ],
)
def test_case_function_maps_one_character_to_one(call, name, text, result):
    assert call(name, text) == result


def test_cut_inside_a_character_leaves_its_bytes(call):
    assert call("trunc", 1, "é") == text_of(b"\xc3")
    assert call("join", "", strings([text_of(b"\xc3"), text_of(b"\xa9")])) == "é"


def test_pieces_of_a_text_keep_their_go_types(call):
    assert call("splitList", ",", "a,b,") == strings(["a", "b", ""])
    assert call("splitList", "", INVALID) == strings(list(INVALID))
    pieces = call("splitn", "/", 2, "a/b/c")
    assert isinstance(pieces, GoMap)
    assert (pieces, pieces.elem) == ({"_0": "a", "_1": "b/c"}, "string")
    assert call("splitn", "/", 0, "a/b") == {}
    assert call("split", ",", "") == {"_0": ""}


def test_list_of_texts_passes_through_to_strings_unchanged(call):
    texts = strings(["b", "a"])
    assert call("toStrings", texts) is texts
    assert call("toStrings", None) == strings([])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((5, 2, "abc"), "[5:2]"),
        ((4, -1, "abc"), "[4:3]"),
        ((-1, 9, "abc"), "[:9] with length 3"),
        ((-1, -2, "abc"), "[:-2]"),
    ],
)
def test_substr_out_of_range_fails_like_a_go_slice(call, arguments, text):
    with pytest.raises(FunctionError) as failure:
        call("substr", *arguments)
    assert failure.value.text == f"runtime error: slice bounds out of range {text}"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("repeat", (1 << 40, "ab")),
        ("indent", (1 << 40, "a")),
        ("indent", (1 << 20, "\n" * 1000)),
        ("nindent", (1 << 40, "")),
        ("replace", ("", "x" * 1000, "y" * 100_000)),
        ("join", ("x" * 1_000_000, GoList([1] * 100))),
        ("wrapWith", (1, "x" * 10_000, "y" * 10_000)),
        ("until", (1 << 40,)),
        ("untilStep", (0, 1 << 40, 2)),
        ("seq", (1 << 40,)),
        ("randAlpha", (1 << 40,)),
        ("randBytes", (1 << 40,)),
        ("regexReplaceAll", (".", "a" * 100_000, "x" * 1000)),
    ],
)
def test_growing_function_asks_the_budget_before_it_allocates(call, name, arguments):
    with pytest.raises(BudgetExceeded):
        call(name, *arguments)


def test_negative_repeat_count_is_an_error(call):
    for name in ("repeat", "indent", "nindent"):
        with pytest.raises(FunctionError, match="strings: negative Repeat count"):
            call(name, -1, "a")
