"""JMESPath where the Python library and go-jmespath 0.4.0 differ, and what no expression may cost (spec/data.md 4.2)."""

from __future__ import annotations

import pytest

from kubectl_asm.engine import jmes
from kubectl_asm.engine.documents import strict_json
from kubectl_asm.gotemplate import gojson

DOCUMENT = (
    '{"a":1.0,"n":[1,2.5],"s":["b","a"],"o":{"b":1,"a":2},"e":[],"big":12345678901234567890,"p":[{"v":"1"},{"v":2},{"w":3}],'
    '"t":"x","nul":null}'
)


def ask(path, document=DOCUMENT, *, integers_are_numbers=True):
    prepared = jmes.prepare(strict_json(document)[1], integers_are_numbers=integers_are_numbers)
    return jmes.evaluate(path, prepared)


# Answers of go-jmespath 0.4.0 on Go 1.26.8, as compact JSON.
@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("to_string(a)", '"1"'),
        ("to_string(o)", '"{\\"a\\":2,\\"b\\":1}"'),
        ("to_string(big)", '"12345678901234567000"'),
        ("to_number('1e3')", "1000"),
        ("to_number('-1.5')", "-1.5"),
        ("to_number(' 1')", "null"),
        ("to_number('nan')", "null"),
        ("to_number('0x1')", "null"),
        ("sort_by(p,&v)", "null"),
        ("p[?v>'1']", "[]"),
        ("'a'<'b'", "null"),
        ("ceil(n[1])", "3"),
        ("floor(n[1])", "2"),
        ("sum(n)", "3.5"),
        ("avg(n)", "1.75"),
        ("contains(t,`1`)", "false"),
        ("contains(n,`true`)", "false"),
        ("contains(s,'a')", "true"),
        ("length('é')", "1"),
        ("[::-1]", "null"),
        ("n[::-1]", "[2.5,1]"),
        ("n[::0]", "null"),
        ("n[5]", "null"),
        ("type(nul)", '"null"'),
        ("max(e)", "null"),
        ("a == `1`", "true"),
        ("nul || t", '"x"'),
        ("t.x", "null"),
        ("p[].v", '["1",2]'),
        ("{x:a,y:nul}", '{"x":1,"y":null}'),
        ("items(o)", "null"),
        ("unknown(a)", "null"),
        ("abs('a')", "null"),
    ],
)
def test_answers_are_those_of_go(path, wanted):
    assert gojson.dumps(ask(path)) == wanted


def test_document_integers_are_no_numbers_in_the_newest_profile():
    document = {"age": 10, "ages": [10, 20], "f": 1.5}
    old, new = (jmes.prepare(document, integers_are_numbers=flag) for flag in (True, False))
    for path, wanted in (("age == `10`", True), ("sum(ages)", 30), ("type(age)", "number"), ("ages[?@ > `11`]", [20])):
        assert jmes.evaluate(path, old) == wanted
    assert jmes.evaluate("age == `10`", new) is False
    assert jmes.evaluate("sum(ages)", new) is None
    assert jmes.evaluate("type(age)", new) is None
    assert jmes.evaluate("ages[?@ > `11`]", new) == []
    assert jmes.evaluate("age", new) == 10
    assert jmes.evaluate("length(ages)", new) == 2
    assert jmes.evaluate("f > `1`", new) is True
    assert jmes.evaluate("to_string(ages)", new) == "[10,20]"


@pytest.mark.parametrize("path", ["", "a[", "a.", "foo bar", "`", "'x", "let $x = a in $x", "a[?", "(" * 3000])
def test_what_does_not_parse_says_where(path):
    with pytest.raises(jmes.PathSyntaxError) as caught:
        jmes.compile_path(path)
    assert 0 <= caught.value.position <= len(path)


def test_infinities_are_rounded_to_themselves_and_have_no_text():
    assert ask("ceil(sum([`1e308`,`1e308`]))") == float("inf")
    assert ask("to_string(sum([`1e308`,`1e308`]))") is None


def test_rounding_keeps_floats_floats():
    assert isinstance(ask("ceil(`1e20`)"), float)
    assert isinstance(ask("floor(`2`)"), int)


@pytest.mark.parametrize(
    "path",
    [
        "|".join(["[@,@]"] * 60),
        "|".join(["{a:@,b:@}"] * 60),
        "|".join(["[@,@][]"] * 60),
        "to_string(" + "|".join(["[@,@]"] * 60) + ")",
        "|".join(["join(@,[@,@])"] * 60),
        "|".join(["merge({a:@},{b:@})"] * 60),
        "|".join(["map(&[@,@],[@,@])"] * 60),
        "(" + "|".join(["[@,@]"] * 60) + ") == (" + "|".join(["[@,@]"] * 60) + ")",
    ],
)
def test_expressions_that_grow_without_end_are_stopped(path):
    with pytest.raises(jmes.PathBudgetError):
        jmes.evaluate(path, "text")


def test_long_lists_of_a_real_document_are_within_the_budget():
    document = {"items": [{"id": number, "tags": ["a", "b"]} for number in range(20_000)]}
    assert len(jmes.evaluate("items[?id > `10`].{id: id, first: tags[0]}", document)) == 19_989


def test_maps_with_other_keys_can_be_carried_but_not_entered():
    from kubectl_asm.manifest.nodes import TypedKey

    prepared = jmes.prepare({"m": {TypedKey(2): "x", "a": "y"}}, integers_are_numbers=True)
    assert isinstance(jmes.evaluate("m", prepared), jmes.OpaqueMap)
    assert jmes.evaluate("m.a", prepared) is None
