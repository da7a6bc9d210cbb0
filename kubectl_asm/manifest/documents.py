"""Files to documents: split, parse, and find the place of any value later.

One bad document never hides the others: a file is split at its document marks first and every part is parsed alone.
Positions cost memory, so a Document keeps its text and composes nodes again only when somebody asks for a place.
Source: spec/cli.md 1, lint corpus section 6 (a file that begins with a brace is JSON).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kubectl_asm.diagnostics import Span
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.block_lines import BlockReader, read_block
from kubectl_asm.manifest.nodes import MAX_DEPTH, Constructor, compose
from kubectl_asm.manifest.scalars import Dialect

Path = tuple[str | int, ...]

_JSON_GAP = re.compile(r"(?:[ \t\r\n]|^---(?=[ \t\r\n]|$))*", re.MULTILINE)
_LONE_RETURN = re.compile("\r(?!\n)")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_JSON_DIGITS = 20  # more are beyond 64 bits; Python refuses to convert thousands
_MARK = re.compile(r"^---(?=[ \t\r]|$)", re.MULTILINE)


class SourceText(msgspec.Struct, frozen=True):
    """Text to read. name: the file as the user gave it, or <stdin>."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed document. value: plain Python values; text: its own part of the file, starting at first_line.

    block: what read plain block style, whose lines and columns tell places (block_outline.py); None for other text.
    """

    file: str
    first_line: int
    text: str = field(repr=False)
    value: Any = field(repr=False)
    index: int = 0
    block: BlockReader | None = field(default=None, repr=False, compare=False)

    def span(self, path: Sequence[str | int], *, key: bool = False) -> Span:
        """Return the place of the value at path, or of its key; of the nearest existing parent when it is absent."""
        node = _compose_quietly(self.text)
        if node is None:
            return Span(self.file, self.first_line, 1)
        return _span_of(_walk(node, path, key=key), self.file, self.first_line)


def parse_documents(source: SourceText, dialect: Dialect = Dialect.KUBECTL) -> Iterator[Document | InputError]:
    """Yield every document of a source in order; a part that cannot be read becomes an InputError in its place."""
    try:
        text = decode_text(source)
    except InputError as error:
        yield error
        return
    if text.lstrip(" \t\r\n").startswith("{"):
        yield from _json_documents(source.name, text)
        return
    index = 0
    for first_line, part in split_documents(text):
        parsed = parse_part(source.name, first_line, part, dialect, index)
        if parsed is not None:
            index += 1
            yield parsed


def decode_text(source: SourceText) -> str:
    """Return the text of a source: UTF-8 (or UTF-16 with a mark), without byte order mark; raises InputError.

    A carriage return that stands alone ends a line, as in YAML, and becomes a line feed: no offset changes.
    """
    data = source.data
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
        raise InputError("the text is not UTF-8", file=source.name, line=line) from None
    text = _LONE_RETURN.sub("\n", text) if "\r" in text else text
    if "\x00" in text:
        line = text.count("\n", 0, text.index("\x00")) + 1
        raise InputError("the text contains a NUL byte", file=source.name, line=line)
    return text


def split_documents(text: str) -> Iterator[tuple[int, str]]:
    """Yield (1-based first line, text) of every document that is not blank."""
    starts = [0, *(match.start() for match in _MARK.finditer(text))]
    line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        if part.strip() and not _is_blank(part):
            yield line, part
        line += part.count("\n")


def _is_blank(part: str) -> bool:
    """Whether a part holds only marks, comments and white space."""
    for raw in part.split("\n"):
        line = raw.strip()
        if line.startswith("---") and (len(line) == 3 or line[3] in " \t"):
            line = line[3:].lstrip()
        if line and not line.startswith("#") and line != "...":
            return False
    return True


def parse_part(file: str, first_line: int, part: str, dialect: Dialect, index: int) -> Document | InputError | None:
    """Parse one document's text; None when it holds no node, an InputError when it cannot be read."""
    if dialect is Dialect.KUBECTL and (block := read_block(part)) is not None:
        return Document(file, first_line, part, block.value, index, block)
    try:
        node = compose(part, file=file, first_line=first_line)
        if node is None:
            return None
        value = Constructor(dialect, file=file, first_line=first_line).value(node)
    except InputError as error:
        return error
    return Document(file, first_line, part, value, index)


def _json_documents(file: str, text: str) -> Iterator[Document | InputError]:
    """Yield the documents of a JSON stream: one after the other, with or without document marks between them."""
    decoder = json.JSONDecoder(object_pairs_hook=_distinct_members, parse_int=_json_integer, parse_constant=_refuse_constant)
    start, index = _after_gap(text, 0), 0
    while start < len(text):
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            yield InputError(f"not valid JSON: {error.msg}", file=file, line=error.lineno, column=error.colno)
            return
        except InputError as error:
            yield _placed_problem(error, file, line, " " * (column - 1) + text[start:])
            return
        except RecursionError:
            yield InputError("the document is nested too deeply", file=file, line=line)
            return
        if _is_deeper(value, MAX_DEPTH):
            yield InputError(f"nested more than {MAX_DEPTH} levels deep", file=file, line=line)
            return
        yield Document(file, line, " " * (column - 1) + text[start:end], _without_lone_surrogates(value, text), index)
        start, index = _after_gap(text, end), index + 1


def _after_gap(text: str, start: int) -> int:
    match = _JSON_GAP.match(text, start)
    assert match is not None
    return match.end()


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        double = next(name for name, count in counts.items() if count > 1)
        raise InputError(f'duplicate key "{double[:64]}" in one object')
    return result


def _placed_problem(problem: InputError, file: str, first_line: int, text: str) -> InputError:
    """Return the problem with the place that the YAML reader, which knows places, gives it."""
    again = parse_part(file, first_line, text, Dialect.KUBECTL, 0)
    return again if isinstance(again, InputError) else InputError(problem.message, file=file, line=first_line)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether containers are nested in more than that many levels."""
    current = [value]
    for _ in range(levels + 1):
        current = [
            item
            for container in current
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not current:
            return False
    return True


def _json_integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_JSON_DIGITS else float(digits)


def _refuse_constant(word: str) -> Any:
    raise InputError(f"not valid JSON: {word} is no number")


def _without_lone_surrogates(value: Any, text: str) -> Any:
    """Replace escapes of half a character as Go's decoder does: nothing else could be written again."""
    if "\\ud" not in text and "\\uD" not in text:
        return value
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_LONE_SURROGATE.sub("\ufffd", key): _without_lone_surrogates(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_lone_surrogates(item, text) for item in value]
    return value


def _compose_quietly(text: str) -> Node | None:
    """Compose text that was read before; JSON that YAML cannot read (surrogate escapes) has no finer place."""
    try:
        return compose(text)
    except InputError:
        return None


def _walk(node: Node, path: Sequence[str | int], *, key: bool) -> Node:
    place = node
    for step in path:
        found = _member(node, step)
        if found is None:
            return place
        key_node, node = found
        place = key_node if key and key_node is not None else node
    return place


def _member(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, SequenceNode):
        if isinstance(step, int) and 0 <= step < len(node.value):
            return None, node.value[step]
        return None
    if isinstance(node, MappingNode):
        for key_node, value_node in node.value:
            if isinstance(key_node, ScalarNode) and key_node.value == str(step):
                return key_node, value_node
        return _merged_member(node, step)
    return None


def _merged_member(node: MappingNode, step: str | int) -> tuple[Node | None, Node] | None:
    """Find a member that came through a merge key: its place is in the anchored text."""
    for key_node, value_node in node.value:
        if isinstance(key_node, ScalarNode) and key_node.value == "<<":
            sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
            for source in sources:
                if found := _member(source, step):
                    return found
    return None


def _span_of(node: Node, file: str, first_line: int) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(file, start.line + first_line, start.column + 1, end.line + first_line, end.column + 1)
