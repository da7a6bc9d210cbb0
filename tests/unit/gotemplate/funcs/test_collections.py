"""Lists and maps: result types, sharing, and what counts as empty or equal."""

import pytest

from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.values import GoList, GoMap, Int64, strings, type_of


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("append", (strings(["a"]), 1), GoList(["a", 1])),
        ("prepend", (GoList([1]), None), GoList([None, 1])),
        ("first", (GoList(),), None),
        ("last", (strings(["a", "b"]),), "b"),
        ("rest", (GoList([1, 2, 3]),), GoList([2, 3])),
        ("initial", (GoList([1, 2, 3]),), GoList([1, 2])),
        ("reverse", (GoList([1, 2]),), GoList([2, 1])),
        ("compact", (GoList([0, "", None, GoList(), False, "a"]),), GoList(["a"])),
        ("uniq", (GoList([1, 1.0, "1", 1, Int64(1)]),), GoList([1, 1.0, "1", Int64(1)])),
        ("without", (GoList([1, 1.0, "a"]), 1, "a"), GoList([1.0])),
        ("has", (1, GoList([1.0])), False),
        ("has", (1, None), False),
        ("concat", (GoList([1]), strings(["a"])), GoList([1, "a"])),
        ("chunk", (2, GoList([1, 2, 3])), GoList([GoList([1, 2]), GoList([3])])),
        ("sortAlpha", (GoList(["b", None, 10, 9]),), strings(["10", "9", "b"])),
        ("sortAlpha", ("x",), strings(["x"])),
        ("slice", (GoList([1, 2, 3]), "1", 2.9), GoList([2])),
        ("slice", (GoList(),), None),
    ],
)
def test_list_function_gives_what_go_gives(call, name, arguments, result):
    found = call(name, *arguments)
    assert found == result
    assert type_of(found) == type_of(result) or name == "chunk"


def test_slice_keeps_the_element_type_and_chunk_nests_it(call):
    assert type_of(call("slice", strings(["a", "b"]), 1)) == "[]string"
    assert type_of(call("chunk", 1, strings(["a"]))) == "[][]interface {}"


def test_rest_of_an_empty_list_is_a_nil_list(call):
    assert call("rest", GoList()).is_nil
    assert call("concat").is_nil
    assert not call("compact", GoList()).is_nil


def test_list_functions_leave_their_argument_alone(call):
    items = GoList([2, 1])
    for name in ("reverse", "uniq", "compact", "rest", "sortAlpha"):
        call(name, items)
    assert items == [2, 1]


def test_sorting_a_list_of_texts_reorders_the_list_itself_as_upstream_does(call):
    texts = strings(["b", "a"])
    assert call("sortAlpha", texts) is texts
    assert texts == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("first", ("x",), "Cannot find first on type string"),
        ("mustRest", (GoMap(),), "Cannot find rest on type map"),
        ("append", (None, 1), "runtime error: invalid memory address or nil pointer dereference"),
        ("concat", (1,), "Cannot concat type int as list"),
        ("slice", (GoList([1]), 0, 2), "reflect.Value.Slice: slice index out of bounds"),
        ("slice", (True,), "list should be type of slice or array but bool"),
        ("chunk", (0, GoList([1])), "runtime error: makeslice: len out of range"),
        ("dig", ("a", "d"), "dig needs at least three arguments"),
        ("dig", ("a", "b", "d", GoMap({"a": 1})), "interface conversion: interface {} is int, not map[string]interface {}"),
        ("dig", (1, "d", GoMap()), "interface conversion: interface {} is int, not string"),
        ("dig", ("a", "d", None), "interface conversion: interface {} is nil, not map[string]interface {}"),
        ("set", (GoMap(is_nil=True), "a", 1), "assignment to entry in nil map"),
        ("deepCopy", (None,), "reflect: call of reflect.Value.Type on zero Value"),
    ],
)
def test_wrong_argument_fails_with_go_text(call, name, arguments, text):
    with pytest.raises(FunctionError) as failure:
        call(name, *arguments)
    assert failure.value.text == text


def test_dict_fills_a_missing_last_value_with_an_empty_text(call):
    assert call("dict", "a", 1, 2) == {"a": 1, "2": ""}


def test_dig_gives_the_default_for_an_absent_step(call):
    data = GoMap({"a": GoMap({"b": 1})})
    assert call("dig", "a", "b", "d", data) == 1
    assert call("dig", "a", "x", "d", data) == "d"


def test_map_accessors(call):
    data = GoMap({"b": None, "a": 1})
    assert call("get", data, "x") == ""
    assert call("hasKey", data, "b") is True
    assert call("keys", data) == strings(["a", "b"])
    assert call("values", data) == [1, None]
    assert call("pick", data, "a", "x") == {"a": 1}
    assert call("omit", data, "a") == {"b": None}
    assert call("pluck", "a", data, GoMap(), GoMap({"a": 2})) == [1, 2]
    assert call("unset", data, "b") is data
    assert call("set", data, "c", 3) is data
    assert data == {"a": 1, "c": 3}


def test_merge_keeps_the_first_map_unless_its_value_is_empty(call):
    base = GoMap({"a": 1, "e": "", "m": GoMap({"x": 1}), "l": GoList()})
    other = GoMap({"a": 2, "e": "full", "m": GoMap({"x": 2, "y": 3}), "l": GoList([1]), "n": None})
    assert call("merge", base, other) is base
    assert base == {"a": 1, "e": "full", "m": {"x": 1, "y": 3}, "l": [1]}


def test_merge_overwrite_lets_empty_values_win_except_maps(call):
    base = GoMap({"a": 1, "b": "x", "m": GoMap({"x": 1})})
    call("mergeOverwrite", base, GoMap({"a": None, "b": "", "m": GoMap()}))
    assert base == {"a": None, "b": "", "m": {"x": 1}}


def test_merged_maps_are_shared_and_copied_ones_are_not(call):
    inner = GoMap({"x": 1})
    merged = call("merge", GoMap(), GoMap({"m": inner}))
    copied = call("deepCopy", merged)
    inner["x"] = 2
    assert merged == {"m": {"x": 2}}
    assert copied == {"m": {"x": 1}}


def test_merge_of_a_nil_map_makes_a_new_one(call):
    assert call("merge", GoMap(is_nil=True), GoMap({"a": 1})) == {"a": 1}


def test_deep_values_do_not_exhaust_the_stack(call):
    deep: object = 1
    for _ in range(20_000):
        deep = GoMap({"a": deep})
    assert isinstance(deep, GoMap)
    copied = call("deepCopy", deep)
    assert call("deepEqual", deep, copied) is True
    call("merge", deep, copied)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("default", ("d",), "d"),
        ("default", ("d", ""), "d"),
        ("default", ("d", 0), "d"),
        ("default", ("d", "x"), "x"),
        ("coalesce", (None, "", 3), 3),
        ("coalesce", (), None),
        ("all", (), True),
        ("all", (1, ""), False),
        ("any", (0, "x"), True),
        ("any", (), False),
        ("empty", (GoMap(),), True),
        ("empty", (0j,), True),
        ("ternary", ("y", "n", False), "n"),
        ("deepEqual", (GoList(), GoList(is_nil=True)), False),
        ("deepEqual", (strings(["a"]), GoList(["a"])), False),
        ("deepEqual", (float("nan"), float("nan")), False),
        ("typeOf", (None,), "<nil>"),
        ("typeIs", ("int", 1), True),
        ("kindOf", (GoMap((), "string"),), "map"),
        ("kindIs", ("invalid", None), True),
    ],
)
def test_question_about_values(call, name, arguments, result):
    assert call(name, *arguments) == result


def test_pointer_type_is_like_its_struct(call):
    version = call("semver", "1.2.3")
    assert call("typeIs", "semver.Version", version) is False
    assert call("typeIsLike", "semver.Version", version) is True
