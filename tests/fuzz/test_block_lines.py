"""What the line reader reads, the YAML reader reads alike: values to the type, and places to the character."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kubectl_asm.errors import InputError
from kubectl_asm.manifest.block_lines import MAX_LENGTH, MAX_LEVELS, BlockReader, read_block
from kubectl_asm.manifest.documents import Document, SourceText, decode_text, split_documents
from kubectl_asm.manifest.nodes import Constructor, compose
from kubectl_asm.manifest.positions import Places
from kubectl_asm.manifest.scalars import Dialect

ROOT = Path(__file__).parents[2]
INDENTS = st.sampled_from(["", "  ", "    ", "      ", " ", "   "])
DASHES = st.sampled_from(["", "", "", "- ", "-   ", "- - ", "-", "? "])
KEYS = st.sampled_from(
    [
        "a: ",
        "b: ",
        "c:",
        "d: ",
        "e:   ",
        "app.kubernetes.io/name: ",
        "x-y_z: ",
        "'q': ",
        "on: ",
        "1: ",
        "null: ",
        "é: ",
        "",
        "<<: ",
    ]
)
SCALARS = st.sampled_from(
    [
        "",
        "text",
        "two words",
        "10m",
        "007",
        "0x1F",
        "1e3",
        "1_000",
        "-1",
        "+5",
        ".5",
        ".inf",
        "~",
        "null",
        "Null",
        "yes",
        "off",
        "true",
        "FALSE",
        "2024-01-01",
        "12:30:45",
        "http://host:80/a#b",
        "a#b",
        "a: b",
        "a:",
        "a #c",
        "a#",
        "{{ .x }}",
        "'{{ .x }}'",
        "'it''s'",
        "''",
        '""',
        '"#: x"',
        '"a\\nb"',
        "'open",
        "[a, b]",
        "{}",
        "&x a",
        "*x",
        "!!str 1",
        "|",
        "|-",
        "|+",
        "|2",
        ">",
        "...",
        "---",
        "%a",
        "@a",
        "`a",
        "=",
        "<<",
        "^a(.*)$",
        "密钥",
        "a\u00a0b",
        "a\u2028b",
        "a\x85b",
        "a\x7fb",
        "\ufeffa",
        "😀",
        "a\tb",
        "a\r",
        "a, b ]",
        "a'b\"c",
    ]
)
TAILS = st.sampled_from(["", "", "", "", " ", " # c", "  #", "#", " #: - 'x"])
LINES = st.builds(lambda *parts: "".join(parts), INDENTS, DASHES, KEYS, SCALARS, TAILS)
ORDINARY = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["", "  ", "    "]),
    st.sampled_from(["", "", "- "]),
    st.sampled_from([f"{letter}: " for letter in "abcdefghijklm"]),
    st.sampled_from(["", "", "text", "1", "'q'", '"q"', "|", "|-", "on"]),
)
TEXTS = st.builds(
    lambda mark, lines, end: mark + "\n".join(lines) + end,
    st.sampled_from(["", "", "---\n", "--- # c\n", "---  \n"]),
    st.lists(st.one_of(ORDINARY, ORDINARY, ORDINARY, LINES), min_size=1, max_size=9),
    st.sampled_from(["", "\n", "\n\n", "\n  \n"]),
)


def strictly(text: str) -> Any:
    node = compose(text)
    return None if node is None else Constructor(Dialect.KUBECTL).value(node)


def typed(value: Any) -> Any:
    """Return a value that equals only values of the same types and the same order of members."""
    if isinstance(value, dict):
        return [(key, typed(member)) for key, member in value.items()]
    if isinstance(value, list):
        return tuple(map(typed, value))
    return type(value), repr(value)


@given(TEXTS)
@settings(max_examples=600, deadline=None)
def test_what_the_line_reader_reads_the_yaml_reader_reads_alike(text: str) -> None:
    block = read_block(text)
    event("read" if block is not None else "left to the YAML reader")
    if block is not None:
        assert typed(block.value) == typed(strictly(text))
        assert_places_agree(text, block)


def manifests_of_the_repository() -> list[Path]:
    return sorted(path for folder in ("examples", "deploy", "tests") for path in (ROOT / folder).rglob("*.yaml"))


def test_on_every_manifest_of_the_repository_both_readers_agree() -> None:
    read = 0
    for path in manifests_of_the_repository():
        try:
            text = decode_text(SourceText(str(path), path.read_bytes()))
        except InputError:
            continue
        for _, part in split_documents(text):
            block = read_block(part)
            if block is not None:
                read += 1
                assert typed(block.value) == typed(strictly(part)), f"{path}:\n{part}"
                assert_places_agree(part, block)
    assert read > 50


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2\n",
        "a: &x 1\n",
        "a: *x\n",
        "a: !!str 1\n",
        "a: [1]\n",
        'a: "\\n"\n',
        "a: one\n  two\n",
        "a: >\n  folded\n",
        "a:\t1\n",
        "on: 1\n",
        "a: b: c\n",
        "a:\n    b: 1\n  c: 1\n",
        "- a\nb: 1\n",
        "text\n",
        "# nothing\n",
        "a: 1\n...\n",
        "%YAML 1.1\n---\na: 1\n",
        "a: |\n   \n  text\n",
        "a: |\n  no line end",
        "<<: 1\n",
        "a: 1\r\n",
    ],
)
def test_what_is_not_certain_is_left_to_the_yaml_reader(text: str) -> None:
    assert read_block(text) is None


def test_size_and_depth_that_budgets_are_about_are_left_to_the_yaml_reader() -> None:
    assert read_block("a: " + "x" * MAX_LENGTH) is None
    assert read_block("".join(f"{'  ' * level}a:\n" for level in range(MAX_LEVELS + 2))) is None


def paths_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield every path of a value, and some that are not there."""
    yield from (path, (*path, "absent"), (*path, 99))
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield from paths_in(member, (*path, step))


def assert_places_agree(part: str, block: BlockReader) -> None:
    lines = Places(Document("a.yaml", 7, part, block.value, block=block))
    nodes = Places(Document("a.yaml", 7, part, block.value))
    for path in paths_in(block.value):
        assert lines.value(path) == nodes.value(path), path
        assert lines.key(path) == nodes.key(path), path
        assert lines.written(path) == nodes.written(path), path
