"""Node trees to values: duplicates, merges, budgets, tags, and what is refused in bounded time (spec/lint.md 1)."""

from __future__ import annotations

import contextlib
import resource
import time

import pytest

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import SourceText, parse_documents
from kubectl_asm.manifest.nodes import MAX_DEPTH, Constructor, compose, paused_gc
from kubectl_asm.manifest.scalars import Dialect


def value(text, dialect=Dialect.KUBECTL):
    return Constructor(dialect).value(compose(text))


def problem(text, dialect=Dialect.KUBECTL):
    with pytest.raises(InputError) as caught:
        value(text, dialect)
    return caught.value


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\na: 2", (2, 1)),
        ('a: 1\n"a": 2', (2, 1)),
        ("x:\n  - {b: 1, 'b': 2}", (2, 12)),
        ("{a: 1, a: 1}", (1, 8)),
        ("a: 1\n? a\n: 2", (2, 3)),
    ],
)
def test_a_key_twice_is_refused_at_its_second_place_however_it_is_quoted(text, place):
    error = problem(text)
    assert (error.line, error.column) == place
    assert "duplicate key" in error.message


def test_keys_of_one_text_but_different_types_are_two_keys_for_backend_documents_and_one_for_kubectl():
    text = "1: a\n'1': b"
    assert len(value(text, Dialect.YAML_V3)) == 2
    assert "duplicate key" in problem(text).message


def test_keys_that_are_no_texts_become_the_texts_kubectl_makes_of_them():
    assert value("1: a\non: b\n2.50: c\n0x10: d\n1e3: e") == {"1": "a", "true": "b", "2.5": "c", "16": "d", "1000": "e"}


@pytest.mark.parametrize("text", ["~: x", "? \n: x", "null: x"])
def test_a_null_key_is_refused_in_a_manifest(text):
    assert "must not be null" in problem(text).message


@pytest.mark.parametrize("text", ["[a]: x", "{a: b}: x", "? - a\n: x"])
def test_a_collection_is_no_key(text):
    assert "must be a scalar" in problem(text).message


def test_merges_fill_what_the_mapping_lacks_and_earlier_sources_win():
    text = "p: &p {a: 1, b: 1}\nq: &q {b: 2, c: 2}\nr:\n  <<: [*p, *q]\n  a: 0"
    assert value(text)["r"] == {"a": 0, "b": 1, "c": 2}


def test_a_quoted_merge_key_is_an_ordinary_key():
    assert value('{"<<": {a: 1}}') == {"<<": {"a": 1}}


@pytest.mark.parametrize("text", ["<<: x", "<<: [a]", "<<: ~"])
def test_a_merge_of_something_else_is_refused(text):
    assert "merge key" in problem(text).message


@pytest.mark.parametrize("text", ["&a [*a]", "&a {x: *a}", "&a {<<: *a}", "a: &x {b: &y {c: *x}}"])
def test_cycles_are_refused(text):
    assert "contains itself" in problem(text).message


def bomb(levels, width=10):
    lines = ["a0: &a0 [x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * width)}]" for number in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(9),
        "\n".join(["m0: &m0 {k: v}", *(f"m{n}: &m{n} {{a: *m{n - 1}, b: *m{n - 1}, <<: *m{n - 1}}}" for n in range(1, 40))]),
    ],
)
def test_alias_bombs_end_soon_and_small(text):
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "aliases expand" in problem(text).message
    assert time.process_time() - start < 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_a_long_text_repeated_by_aliases_is_a_bomb_too():
    text = f"t: &t {'x' * 300_000}\nl: [{', '.join(['*t'] * 1000)}]"
    assert "MiB of text" in problem(text).message


def test_honest_aliases_are_fine():
    text = f"t: &t {{a: 1}}\nl: [{', '.join(['*t'] * 5000)}]"
    assert len(value(text)["l"]) == 5000


def nested(levels):
    return "a: " + "[" * (levels - 1) + "]" * (levels - 1)


def test_a_hundred_levels_are_readable_and_ten_thousand_are_not():
    value(nested(100))
    value(nested(MAX_DEPTH))
    for levels in (MAX_DEPTH + 1, 900, 10_000, 1_000_000):
        start = time.process_time()
        assert "nest" in problem(nested(levels)).message
        assert time.process_time() - start < 1
    assert "nest" in problem("- " * 10_000).message


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/object:builtins.dict {a: b}",
        "!!python/name:os.system ''",
        "!!python/module:os x",
        "a: !!python/tuple [1]",
        "!ruby/object {a: 1}",
        "!!set {a: ~}",
        "!!omap [a: 1]",
        "!<tag:example.org,2000:x> y",
    ],
)
def test_no_tag_constructs_anything(text):
    def types(item):
        yield type(item)
        for member in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
            yield from types(member)

    assert set(types(value(text))) <= {dict, list, str, int, bool, type(None)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
        ("!!binary aGk=", "hi"),
    ],
)
def test_yaml_s_own_tags(text, wanted):
    assert value(text) == wanted


@pytest.mark.parametrize("text", ["!!int x", "!!bool 1", "!!float x", "!!null x", "!!binary x", "!!timestamp x"])
def test_a_text_that_does_not_fit_its_tag_is_refused_without_quoting_it(text):
    assert not problem(text).message.endswith("x")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: \x00", 2),
        ("a: 1\n\nb: \x07", 3),
        ("a: \x9f", 1),
        ("a: 1\nb: \udcff", 2),
        ("a: 1\n b: 2", 2),
        ("a: 1\n\tb: 2", 2),
        ("a: @x", 1),
        ("*x", 1),
        ("a: [", 1),
    ],
)
def test_text_that_is_no_yaml_has_a_line(text, line):
    assert problem(text).line in (line, line + 1)


def test_a_tab_as_separator_is_legal():
    assert value("a:\t1\nb: [1,\t2]\nc:\t# note\n  - x") == {"a": 1, "b": [1, 2], "c": ["x"]}


def test_the_place_of_an_error_counts_from_the_first_line_of_the_part():
    with pytest.raises(InputError) as caught:
        Constructor(Dialect.KUBECTL, file="f.yaml", first_line=11).value(compose("a: 1\na: 2", first_line=11))
    assert str(caught.value).startswith("f.yaml:12:1: ")


def test_an_empty_text_has_no_node():
    assert compose("") is None
    assert compose("# only this") is None


def test_garbage_collection_is_restored():
    import gc

    with paused_gc():
        assert not gc.isenabled()
    assert gc.isenabled()
    with contextlib.suppress(KeyError), paused_gc():
        raise KeyError
    assert gc.isenabled()


# -- sizes every reader must take


def documents(data):
    found = list(parse_documents(SourceText("f", data)))
    assert not [item for item in found if isinstance(item, InputError)]
    return found


def test_a_scalar_of_five_mebibytes_on_one_line():
    text = b"a: '" + b"x" * (5 * 1024 * 1024) + b"'"
    assert len(documents(text)[0].value["a"]) == 5 * 1024 * 1024


def test_a_thousand_documents():
    one = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n---\n"
    with paused_gc():
        assert len(documents(one * 1000)) == 1000


def test_a_file_of_eight_mebibytes():
    line = b"  key-%07d: a value of usual length, forty bytes or so\n"
    text = b"data:\n" + b"".join(line % number for number in range(150_000))
    assert len(text) > 8 * 1024 * 1024
    with paused_gc():
        assert len(documents(text)[0].value["data"]) == 150_000
