"""One fetched entry to keys: payload decoding, naming, aliases, replaceRule and its traps (spec/data.md 2 to 5)."""

from __future__ import annotations

import pytest

from kubectl_asm.engine.entries import EntryError, data_keys, extract_keys, output_names, payload, rewrite_name
from kubectl_asm.model.backend import Provider, SecretAnswer
from kubectl_asm.model.externalsecret import ReplaceRule
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Collections
from tests.unit.engine.rounds import NEWEST, SEED, extract, plain, source

CANARY = "hunter2-canary"


def data(value, settings=SEED, **fields):
    raw = value if isinstance(value, bytes) else value.encode()
    return plain(data_keys(source(**fields), SecretBytes(raw), settings).keys)


def members(value, *rules, settings=SEED, **fields):
    raw = value if isinstance(value, bytes) else value.encode()
    return plain(extract_keys(extract(rules=rules, **fields), SecretBytes(raw), settings).keys)


def rule(pattern, replacement):
    return ReplaceRule(source=pattern, target=replacement)


# -- payload


def binary(text):
    return SecretAnswer(SecretBytes.of_text(text), is_binary=True)


def test_text_is_kept_byte_for_byte():
    value = SecretBytes(b" a\n\xff\n")
    assert payload(Provider.KMS, "k", SecretAnswer(value)).reveal() == b" a\n\xff\n"


def test_an_empty_text_is_a_value():
    assert payload(Provider.KMS, "k", SecretAnswer(SecretBytes(b""))).is_empty()


def test_line_breaks_inside_base64_are_ignored():
    assert payload(Provider.KMS, "k", binary("aGVs\r\nbG8=\n")).reveal() == b"hello"


@pytest.mark.parametrize("text", ["aGVsbG8", "aGVs bG8=", "aGVs_G8=", "aGVsbG8=x", "=", f"{CANARY}!"])
def test_what_is_not_standard_base64_fails_and_is_not_quoted(text):
    with pytest.raises(EntryError) as caught:
        payload(Provider.KMS, "db/password", binary(text))
    assert "decode binary data error" in str(caught.value)
    assert "key db/password" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_an_answer_without_body_and_one_without_data_are_told_apart():
    with pytest.raises(EntryError, match="response is empty"):
        payload(Provider.KMS, "k", SecretAnswer(has_body=False))
    with pytest.raises(EntryError, match="secret data is empty"):
        payload(Provider.KMS, "k", SecretAnswer())
    with pytest.raises(EntryError, match="response is empty"):
        payload(Provider.OOS, "k", SecretAnswer())


# -- names of data entries


def test_name_wins_over_key_and_key_serves_when_name_is_empty():
    assert data("v", key="k", name="n") == {"n": "v"}
    assert data("v", key="k") == {"k": "v"}


def test_a_key_that_kubernetes_refuses_is_not_repaired():
    assert data("v", key="team/db") == {"team/db": "v"}


def test_with_paths_the_name_is_not_written():
    assert data('{"a":"1"}', key="k", name="n", paths=[("a", "x")]) == {"x": "1"}


def test_an_empty_alias_means_the_key_of_the_entry():
    assert data('{"a":"1"}', key="k", name="n", paths=[("a", "")]) == {"k": "1"}


def test_the_later_path_wins_an_alias():
    assert data('{"a":"1","b":"2"}', paths=[("a", "x"), ("b", "x")]) == {"x": "2"}


def test_a_later_path_without_result_leaves_the_earlier_one():
    assert data('{"a":"1"}', paths=[("a", "x"), ("b", "x")]) == {"x": "1"}


@pytest.mark.parametrize("value", ["a: b: c", "\tx: 1", "{", "a: 1\na: 2", "", "# only a comment", "- 1", b"\xff\xfe", b"a\x00b"])
def test_without_a_usable_result_the_raw_value_is_kept_under_the_fallback_key(value):
    raw = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    assert data(value, key="k", name="n", paths=[("a", "x")]) == {"n": raw}


def test_falsy_results_are_results():
    value = '{"a":"","b":false,"c":0,"d":[],"e":{}}'
    keys = data(value, paths=[(name, name) for name in "abcde"])
    assert keys == {"a": "", "b": "false", "c": "0", "d": "[]", "e": "{}"}


def test_a_syntax_error_skips_its_path_only():
    assert data('{"a":"1"}', paths=[("a[", "x"), ("a", "y")]) == {"y": "1"}


def test_containers_are_json_for_strict_json_and_yaml_otherwise():
    paths = [("@", "x")]
    assert data('{"b":[1,"<"],"a":1.50}', paths=paths) == {"x": '{"a":1.5,"b":[1,"\\u003c"]}'}
    assert data(' {"b":[1,"<"],"a":1.50}', paths=paths) == {"x": "a: 1.5\nb:\n    - 1\n    - <\n"}


def test_integers_of_yaml_stay_integers_and_floats_are_written_like_go():
    value = "a: 12345678901234567890\nb: 1000000.0\nc: 0x1F\nd: 017\ne: 1_000"
    keys = data(value, paths=[(name, name) for name in "abcde"])
    assert keys == {"a": "12345678901234567890", "b": "1e+06", "c": "31", "d": "15", "e": "1000"}


def test_timestamps_and_maps_with_other_keys_are_skipped_and_fall_back():
    assert data("a: 2024-01-01", paths=[("a", "x")]) == {"k": "a: 2024-01-01"}
    assert data("a: {2: x}", paths=[("a", "x")]) == {"k": "a: {2: x}"}
    assert data("a: [{2: x}]", paths=[("a", "x")]) == {"k": "a: [{2: x}]"}


def test_json_that_yaml_refuses_is_read_as_json():
    assert data('{"a":"1","a":"2"}', paths=[("a", "x")]) == {"x": "2"}
    assert data('{"a":"\\ud83d\\ude00"}', paths=[("a", "x")]) == {"x": "\U0001f600"}


def test_a_value_that_no_text_can_hold_is_replaced_by_the_replacement_character():
    assert data('{"a":1}', paths=[('`"\\ud800"`', "x")]) == {"x": "\ufffd"}


def test_an_integer_of_thousands_of_digits_is_text_as_in_go():
    digits = "9" * 5000
    assert data(f"a: {digits}", paths=[("a", "x")]) == {"x": digits}


def test_a_document_beyond_our_depth_fails_the_entry_instead_of_replacing_good_keys():
    deep = '{"a":' * 400 + "1" + "}" * 400
    with pytest.raises(EntryError, match="nested too deeply"):
        data(deep, paths=[("a", "x")])


def test_notes_name_paths_and_never_values():
    result = data_keys(source(paths=[("a", "x"), ("b[", "y")]), SecretBytes.of_text(f'"{CANARY}"'), SEED)
    assert len(result.notes) == 3
    assert CANARY not in repr(result)


# -- which names an entry may write


def test_output_names_of_a_plain_entry():
    assert output_names(source("k", "n")) == ("n",)


def test_output_names_of_a_query_hold_all_aliases_and_the_fallback():
    assert output_names(source("k", "n", paths=[("a", "x"), ("b", "")])) == ("x", "k", "n")


# -- extract


def test_strings_of_json_are_quoted_by_the_seed_profile_and_raw_in_the_newest():
    value = '{"a":"14","b":14,"c":true,"d":null,"e":["x"],"f":1e21}'
    rest = {"b": "14", "c": "true", "d": "null", "e": '["x"]', "f": "1e+21"}
    assert members(value) == {"a": '"14"', **rest}
    assert members(value, settings=NEWEST) == {"a": "14", **rest}


def test_strings_of_yaml_are_raw_in_both_profiles_and_the_rest_is_a_yaml_document():
    value = "a: '14'\nb: 14\nc: true\nd: ~\ne: [x]\nf: 2024-01-01\ng: 1e-7"
    wanted = {"a": "14", "b": "14\n", "c": "true\n", "d": "null\n", "e": "- x\n", "f": "2024-01-01T00:00:00Z\n", "g": "1e-07\n"}
    assert members(value) == wanted
    assert members(value, settings=NEWEST) == wanted


def test_leading_space_and_trailing_garbage_make_json_something_else():
    assert members(' {"a":"14"}') == {"a": "14"}
    assert members('{"a":"14"} # note') == {"a": "14"}


@pytest.mark.parametrize("value", ["", "null", "~", "# nothing", "---", "{}"])
def test_nothing_is_zero_keys_and_no_failure(value):
    assert members(value) == {}


@pytest.mark.parametrize("value", ["[1]", "- 1", "text", "12", "2024-01-01", "a: 1\na: 2", "\ta: 1", b"\xff", b"a: \x00"])
def test_what_has_no_members_fails_the_entry(value):
    with pytest.raises(EntryError):
        members(value)


@pytest.mark.parametrize(
    "value",
    [
        f'{{"{CANARY}": {CANARY}',
        f'{{"{CANARY}": 1, "{CANARY}": 2',
        f"{CANARY}: 1\n{CANARY}: 2",
        f"a: *{CANARY}",
        f"a: !{CANARY}!x y",
        f'a: "\\{CANARY}"',
        f"- {CANARY}",
        f"a: {CANARY}: {CANARY}",
        f"%{CANARY} 1\n---\na: 1",
        f"[{CANARY}: 1]: x",
        f"<<: {CANARY}",
        f"a: !!int {CANARY}",
        f"a: !!binary {CANARY}=",
    ],
)
def test_parser_messages_never_quote_the_document(value):
    with pytest.raises(EntryError) as caught:
        members(value)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_control_character_of_the_value_is_not_told():
    with pytest.raises(EntryError) as caught:
        members("a: \x07")
    assert "0007" not in str(caught.value)


def test_top_level_keys_of_other_types_become_their_text():
    assert members("1: a\ntrue: b\n2.50: c\n~: d\n2024-01-01: e") == {
        "1": "a",
        "true": "b",
        "2.5": "c",
        "2024-01-01T00:00:00Z": "e",
    }


def test_the_name_of_an_extract_is_ignored():
    assert members("a: x", name="n") == {"a": "x"}


def test_big_json_integers_are_rounded_like_floats():
    assert members('{"a":12345678901234567890}') == {"a": "12345678901234567000"}


def test_deep_json_fails_its_entry():
    with pytest.raises(EntryError, match="nested too deeply"):
        members('{"a":' + "[" * 5000 + "]" * 5000 + "}")


# -- replaceRule


@pytest.mark.parametrize(
    ("name", "pattern", "replacement", "wanted"),
    [
        ("a.b.c", r"\.", "-", "a-b-c"),
        ("db_user", r"(\w+)_(\w+)", "$2_$1", "db"),
        ("db_user", r"(\w+)_(\w+)", "${2}_$1", "user_db"),
        ("db_user", r"(?P<x>db)_user", "${x}-$x-", "db-db-"),
        ("a", "a", "$$1", "$1"),
        ("a", "(a)", "$1$9$nope", "a"),
        ("ab", "^", "p_", "p_ab"),
        ("ab", "$", "_s", "ab_s"),
        ("ab", "", "x", "xaxbx"),
        ("baaac", "a*", "-", "-b-c-"),
        ("Äb", "(?i)ä", "x", "xb"),
        ("a.b", r"\Q.\E", "_", "a_b"),
        ("x1", "[[:alpha:]]", "$0$0", "xx1"),
        ("", "^$", "empty", "empty"),
        ("ab", "c", "d", "ab"),
    ],
)
def test_names_are_rewritten_as_go_does(name, pattern, replacement, wanted):
    assert rewrite_name(name, [rule(pattern, replacement)]) == wanted


def test_rules_run_in_list_order_on_what_the_earlier_ones_left():
    assert members("ab: x", rule("a", "b"), rule("b+", "c")) == {"c": "x"}


def test_of_two_members_with_one_new_name_the_later_in_code_point_order_wins():
    assert members("b: 2nd\na: 1st", rule("[ab]", "x")) == {"x": "2nd"}
    assert members("a: 1st\nb: 2nd", rule("[ab]", "x")) == {"x": "2nd"}


@pytest.mark.parametrize("pattern", ["(", "(?=x)", r"(a)\1", "a**", "(?P<a-b>x)"])
def test_a_pattern_that_re2_refuses_fails_the_entry(pattern):
    with pytest.raises(EntryError) as caught:
        members("a: x", rule(pattern, "y"))
    assert f'failed to compile replaceKey regexp "{pattern}"' in str(caught.value)


def test_values_are_replaced_literally_in_the_newest_profile_only():
    value = "db_a: uses db_ twice db_, not d.b"
    assert members(value, rule("db_", "x$1")) == {"xa": "uses db_ twice db_, not d.b"}
    assert members(value, rule("db_", "x$1"), settings=NEWEST) == {"xa": "uses x$1 twice x$1, not d.b"}


def test_rules_that_double_names_or_values_without_end_fail_the_entry():
    doubling = [rule("(.*a)", "$1$1")] * 60
    with pytest.raises(EntryError, match="larger than any Secret"):
        members("a: x", *doubling)
    with pytest.raises(EntryError, match="larger than any Secret"):
        members("b: a", *[rule("a", "aa")] * 60, settings=NEWEST)


# -- extract with jmesPath


def test_a_member_named_like_a_path_is_renamed_after_the_rules_and_nothing_is_evaluated():
    value = '{"a":"1","b.c":"2","b":{"c":"3"}}'
    keys = members(value, rule("^a$", "z"), paths=[("z", "first"), ("b.c", "second"), ("a", "never")])
    assert keys == {"first": '"1"', "second": '"2"', "b": '{"c":"3"}'}


def test_the_first_equal_path_decides_and_an_empty_alias_keeps_the_name():
    assert members("a: x\nb: y", paths=[("a", "1"), ("a", "2"), ("b", "")]) == {"1": "x", "b": "y"}


# -- lists and maps of a query


def test_before_release_0_6_5_a_query_wrote_lists_and_maps_of_json_as_yaml():
    value, paths = (
        '{"tags":["a","b"],"more":{"b":1,"a":[2]},"user":"ada","age":14}',
        [(n, n) for n in ("tags", "more", "user", "age")],
    )
    former = SEED.replaced({"jmespath_collections": Collections.YAML})
    scalars = {"user": "ada", "age": "14"}
    assert data(value, paths=paths) == {"tags": '["a","b"]', "more": '{"a":[2],"b":1}', **scalars}
    assert data(value, paths=paths, settings=former) == {"tags": "- a\n- b\n", "more": "a:\n    - 2\nb: 1\n", **scalars}
    assert members(value, settings=former)["tags"] == '["a","b"]', "extract always wrote JSON"
