"""The YAML loader ends with values or with an InputError, soon, for any text; places come back to where they were."""

from __future__ import annotations

import contextlib
import time

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubectl_asm.engine.documents import DocumentError, parse_for_extract, parse_for_query
from kubectl_asm.engine.entries import EntryError, data_keys, extract_keys, rewrite_name
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, SourceText, parse_documents, split_documents
from kubectl_asm.manifest.load import load_manifests
from kubectl_asm.manifest.scalars import Dialect, resolve_plain
from kubectl_asm.model.externalsecret import ReplaceRule
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.report.documents import yaml_text
from tests.unit.engine.rounds import NEWEST, SEED, extract, source

PIECES = st.sampled_from(
    [
        "a",
        "b: ",
        ": ",
        "- ",
        "? ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "'",
        '"',
        "|",
        ">",
        "|2-",
        "&x ",
        "*x",
        "!!str ",
        "!!int ",
        "!!binary ",
        "!t ",
        "<<: ",
        "---",
        "...",
        "%YAML 1.1",
        "#c",
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "\r\n",
        "\r",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x00",
        "\x07",
        "é",
        "\U0001f600",
        "1",
        "0x1F",
        "1e3",
        "~",
        "yes",
        "2024-01-01",
        "\\u0041",
        "\\ud800",
        "kind: ConfigMap",
        "apiVersion: v1",
        "metadata: {name: x}",
        "apiVersion: alibabacloud.com/v1alpha1",
        "kind: ExternalSecret",
        "spec:",
        "items:",
        "kind: List",
        "data:",
        "9" * 30,
    ]
)
TEXTS = st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join))
BYTES = st.one_of(st.binary(max_size=60), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
BOUNDED = settings(max_examples=300, deadline=None)


@given(BYTES)
@example(b"{" * 3000)
@example(b"[" * 3000)
@example(b"- " * 3000)
@example(b"&a [*a,*a]")
@example(b'{"a":' + b"9" * 5000 + b"}")
@BOUNDED
def test_any_bytes_give_documents_or_input_errors(data):
    start = time.process_time()
    for item in parse_documents(SourceText("f", data)):
        assert isinstance(item, Document | InputError)
        if isinstance(item, Document):
            item.span(("spec", "data", 0))
    load_manifests([SourceText("f", data)])
    assert time.process_time() - start < 2


@given(TEXTS)
@BOUNDED
def test_parts_put_together_are_the_text_again(text):
    parts = [part for _, part in split_documents(text)]
    position = 0
    for part in parts:
        position = text.index(part, position) + len(part)
    for line, part in split_documents(text):
        assert "\n".join(text.split("\n")[line - 1 :]).startswith(part.split("\n")[0])


KEYS = st.text("abcXYZ09-_é日", min_size=1, max_size=6)
TREES = st.recursive(
    st.one_of(st.text("ab é\U0001f600:#-\n'\"", max_size=12), st.integers(-5, 99), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


def paths_of(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from paths_of(member, (*path, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from paths_of(item, (*path, position))


@given(st.lists(st.dictionaries(KEYS, TREES, min_size=1, max_size=3), min_size=1, max_size=3))
@BOUNDED
def test_places_of_all_documents_point_at_what_was_written(trees):
    text = "# head\n---\n" + "---\n".join(yaml_text(tree) for tree in trees)
    documents = list(parse_documents(SourceText("f", text.encode())))
    assert [document.value for document in documents] == trees
    lines = text.split("\n")
    for document, tree in zip(documents, trees, strict=True):
        for key in tree:
            place = document.span((key,), key=True)
            written = lines[place.line - 1][place.column - 1 :]
            assert written.lstrip("'\"? ").startswith(key[:1])
        for path in paths_of(tree):
            found = document.span(path)
            assert document.first_line <= found.line <= len(lines)


@given(st.text(max_size=40))
@BOUNDED
def test_a_scalar_is_resolved_whatever_it_is(text):
    for dialect in Dialect:
        resolve_plain(text, dialect)


@given(BYTES)
@BOUNDED
def test_a_fetched_value_gives_keys_or_an_entry_error(data):
    value = SecretBytes(data)
    for profile in (SEED, NEWEST):
        for entry in (source(), source(paths=[("a", "x"), ("@", "y"), ("a[0].b", "")])):
            keys = data_keys(entry, value, profile).keys
            assert keys
        with contextlib.suppress(EntryError):
            extract_keys(extract(rules=[ReplaceRule(source="a", target="$0b")]), value, profile)


@given(TEXTS)
@BOUNDED
def test_backend_documents_are_parsed_or_refused(text):
    for parse in (parse_for_query, parse_for_extract):
        with contextlib.suppress(DocumentError):
            parse(text)


REGEX = st.one_of(
    st.text(max_size=12),
    st.lists(st.sampled_from([*"ab.*+?()[]{}|^$\\", r"\w", "(?i)", "(?P<n>", "{2,3}", r"\Q"]), max_size=8).map("".join),
)


@given(
    st.text(max_size=20),
    st.lists(st.tuples(REGEX, st.one_of(st.text(max_size=8), st.sampled_from(["$1", "${1}x", "$n", "$$", "$"]))), max_size=4),
)
@BOUNDED
def test_names_are_rewritten_or_refused(name, rules):
    with contextlib.suppress(EntryError):
        rewrite_name(name, [ReplaceRule(source=pattern, target=target) for pattern, target in rules])
