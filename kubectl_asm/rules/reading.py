"""Sources to documents and file problems: reads on where the strict reader stops.

The strict reader of manifest/ decides what can be read. Only when it refuses a part, the part is read again tolerantly,
so that every duplicate key is reported and the rest of the object is still judged.
Source: spec/lint.md 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kubectl_asm.diagnostics import Change, ChangeKind, Fix, Span
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.documents import Document, SourceText, decode_text, parse_documents
from kubectl_asm.manifest.edits import fix_of
from kubectl_asm.manifest.nodes import Constructor, compose
from kubectl_asm.manifest.positions import Places, every_node, path_to
from kubectl_asm.manifest.scalars import Dialect
from kubectl_asm.rules.subjects import holds_secret

SYNTAX, DUPLICATE, TAG, CYCLE, BOMB, DEEP = "yaml-syntax", "duplicate-key", "yaml-tag", "alias-cycle", "alias-bomb", "too-deep"

_OWN_LINE = re.compile(
    r"^[ \t-]*[\"']?apiVersion[\"']?[ \t]*:[ \t]*[\"']?alibabacloud\.com/|\"apiVersion\"\s*:\s*\"alibabacloud\.com/", re.M
)
_OWN_FLOW = re.compile(r"apiVersion[\"']?\s*:\s*[\"']?alibabacloud\.com/")
_CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.M)
_TAG_TEXT = re.compile(r"![^\s,\[\]{}]*")
_TEMPLATE_LINE = re.compile(r"^[ \t]*(?:- )?\{\{")
_MOST_FIXES: Final = 100  # comparing what is repeated is slow, and a file with more repeats is broken as a whole
_YAML_TAG: Final = "tag:yaml.org,2002:"
_OWN_TAGS: Final = frozenset(
    f"{_YAML_TAG}{name}"
    for name in (
        "str",
        "int",
        "float",
        "bool",
        "null",
        "binary",
        "timestamp",
        "merge",
        "map",
        "seq",
        "set",
        "omap",
        "pairs",
        "value",
    )
)


class FileProblem(msgspec.Struct, frozen=True):
    """Something wrong with the text itself. topic: one of the words of spec/lint.md 1."""

    topic: str
    message: str
    span: Span
    hint: str = ""
    fix: Fix | None = None


class Part(msgspec.Struct, frozen=True):
    """One document, what is wrong with its text, or both."""

    document: Document | None
    problems: tuple[FileProblem, ...] = ()


def read_parts(source: SourceText) -> Iterator[Part]:
    """Yield every document of a source with its problems, in order."""
    for parsed in parse_documents(source):
        if isinstance(parsed, Document):
            yield Part(parsed, tuple(_tags(parsed)) if "!" in parsed.text else ())
        else:
            yield from _refused(source, parsed)


def _refused(source: SourceText, error: InputError) -> Iterator[Part]:
    topic = _topic(error)
    span = Span(error.file or source.name, max(error.line, 1), max(error.column, 1))
    if topic == SYNTAX and "must be a scalar" not in error.message:
        yield Part(None, (_syntax(source, error, span),))
        return
    if topic in (CYCLE, BOMB, DEEP):
        yield Part(None, (FileProblem(topic, error.message, span, error.hint or ""),))
        return
    yield _tolerant(source, error, span)


def _topic(error: InputError) -> str:
    text = error.message
    if text.startswith("duplicate key"):
        return DUPLICATE
    if "contains itself" in text:
        return CYCLE
    if text.startswith("aliases expand"):
        return BOMB
    return DEEP if "too deeply" in text or "levels deep" in text or "nesting depth" in text else SYNTAX


def _syntax(source: SourceText, error: InputError, span: Span) -> FileProblem:
    """Say what probably happened: a conflict left in, a chart that was not rendered, control flow around keys."""
    lines = _lines(source)
    for number in (span.line, span.line - 1, span.line + 1, span.line - 2):
        if 0 < number <= len(lines) and _CONFLICT.match(lines[number - 1]):
            return FileProblem(
                SYNTAX,
                "a merge conflict was left in the file",
                msgspec.structs.replace(span, line=number, column=1),
                "resolve the conflict",
            )
    near = [one for one in lines[max(span.line - 2, 0) : span.line + 1] if _TEMPLATE_LINE.match(one)]
    if near:
        hint = (
            "an un-rendered chart template: validate the output of helm template; in an ExternalSecret control flow works"
            " inside one value only"
        )
        return FileProblem(SYNTAX, "not valid YAML: template actions stand where keys belong", span, hint)
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    hint = "quote a value that starts with braces, or validate the output of helm template" if ": {{" in line else ""
    return FileProblem(SYNTAX, error.message, span, hint or error.hint or _escape_hint(error.message))


def _escape_hint(message: str) -> str:
    return "in double quotes a backslash starts an escape: use single quotes" if "escape" in message else ""


def _lines(source: SourceText) -> list[str]:
    try:
        return decode_text(source).split("\n")
    except InputError:
        return []


# -- reading on


def _tolerant(source: SourceText, error: InputError, span: Span) -> Part:
    """Read the part the strict reader refused for duplicate keys or unquoted braces."""
    first_line, text = _part_of(source, span.line)
    try:
        node = compose(text, file=source.name, first_line=first_line)
    except InputError:
        node = None
    if node is None:
        return Part(None, (FileProblem(_topic(error), error.message, span),))
    reader = _Tolerant(text, source.name, first_line)
    try:
        value = reader.value(node)
    except InputError as problem:
        place = Span(source.name, problem.line or first_line, problem.column or 1)
        return Part(None, (FileProblem(_topic(problem), problem.message, place),))
    document = Document(source.name, first_line, text, value)
    if not is_own_text(text):
        return Part(document)
    places = Places(document)
    problems = [*_duplicates(reader, node, places, document), *_tags(document)]
    problems += [FileProblem(SYNTAX, "a mapping key must be a scalar", places.at(at.start_mark.index)) for at in reader.odd_keys]
    is_two_objects = any(key.value == "apiVersion" for _, key in reader.doubles)
    return Part(None if is_two_objects else document, tuple(problems))


def _part_of(source: SourceText, line: int) -> tuple[int, str]:
    """Return (first line, text) of the document that holds a line; a JSON file is one part."""
    from kubectl_asm.manifest.documents import split_documents  # noqa: PLC0415 - only for refused parts

    text = decode_text(source)
    if text.lstrip(" \t\r\n").startswith("{"):
        return 1, text
    parts = list(split_documents(text))
    return next(((first, part) for first, part in reversed(parts) if first <= line), (1, text))


def _duplicates(reader: _Tolerant, root: Node, places: Places, document: Document) -> Iterator[FileProblem]:
    """Yield one problem a repeated key; two apiVersions in one mapping are two objects and nothing else."""
    has_fixes = len(reader.doubles) <= _MOST_FIXES and not holds_secret(document)
    joined = {id(mapping) for mapping, key in reader.doubles if key.value == "apiVersion"}
    for mapping, key in reader.doubles:
        is_version = key.value == "apiVersion"
        if id(mapping) in joined and not is_version:
            continue
        hint = "a line --- is missing between two objects" if is_version else "the last one counts; remove the other"
        span = places.at(places.begin(key), key.end_mark.index)
        fix = _without_repeat(reader, root, mapping, key, places, document) if has_fixes and not is_version else None
        yield FileProblem(DUPLICATE, f'duplicate key "{str(key.value)[:64]}" in one mapping', span, hint, fix)


def _without_repeat(
    reader: _Tolerant, root: Node, mapping: Node, key: ScalarNode, places: Places, document: Document
) -> Fix | None:
    """Remove a key that says again what the one before it says."""
    same = [(one, node) for one, node in mapping.value if isinstance(one, ScalarNode) and one.value == key.value]
    occurrence = next(at for at, (one, _) in enumerate(same) if one is key)
    try:
        values = [reader.value(node) for _, node in same]
    except InputError:  # too much to compare
        return None
    path = path_to(root, mapping)
    if not occurrence or path is None or any(repr(value) != repr(values[0]) for value in values):
        return None
    change = Change(ChangeKind.REMOVE, (*path, str(key.value)), occurrence=occurrence)
    return fix_of(document, places, change)


class _Tolerant(Constructor):
    """A constructor that notes duplicate keys and keys that are collections instead of stopping; the last one counts."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        super().__init__(Dialect.KUBECTL, file=file, first_line=first_line)
        self._source = text
        self.doubles: list[tuple[Node, ScalarNode]] = []
        self._noted: set[int] = set()
        self.odd_keys: list[Node] = []

    def _mapping(self, node: MappingNode, depth: int) -> dict[Any, Any]:
        kept: dict[str, tuple[Node, Node]] = {}
        pairs = node.value
        for key_node, value_node in pairs:
            name = self._name(key_node, node)
            if name in kept and isinstance(key_node, ScalarNode) and name != "<<":
                if id(key_node) not in self._noted:
                    self._noted.add(id(key_node))
                    self.doubles.append((node, key_node))
                    self.value(kept[name][1], depth)  # what is overridden may hold duplicates of its own
            elif name == "<<" and name in kept:
                name = f"<<{len(kept)}"
            kept[name] = (key_node, value_node)
        clean = [(key, value) for key, value in kept.values() if isinstance(key, ScalarNode)]
        result = super()._mapping(MappingNode(node.tag, clean, node.start_mark, node.end_mark, node.flow_style), depth)
        odd = {name: None for name, (key, _) in kept.items() if not isinstance(key, ScalarNode) and key not in self.odd_keys}
        return {**result, **odd}

    def _name(self, key: Node, mapping: Node) -> str:
        if isinstance(key, ScalarNode):
            return str(self._key(key)) if key.value != "<<" else "<<"
        if self._source[mapping.start_mark.index : mapping.start_mark.index + 2] != "{{":
            self.odd_keys.append(key)
        return self._source[key.start_mark.index : key.end_mark.index]


# -- tags


def is_own_text(text: str) -> bool:
    """Return whether a text holds an object of our API group, as far as a glance tells."""
    return "alibabacloud.com/" in text and bool(_OWN_LINE.search(text) or _OWN_FLOW.search(text))


def _tags(document: Document) -> Iterator[FileProblem]:
    """Yield every tag outside YAML's own set."""
    if not is_own_text(document.text):
        return
    try:
        root = compose(document.text)
    except InputError:
        return
    found: list[Node] = []

    def visit(node: Node) -> None:
        if node.tag not in _OWN_TAGS and (node.tag.startswith("tag:") or (node.tag != "!plain" and node.tag != "!")):
            found.append(node)

    if root is not None:
        every_node(root, visit)
    places = Places(document)
    for node in found:
        if isinstance(node, ScalarNode | MappingNode | SequenceNode) and document.text[node.start_mark.index] in "!&":
            start = document.text.index("!", node.start_mark.index)
            match = _TAG_TEXT.match(document.text, start)
            written = match[0] if match else "!"
            yield FileProblem(
                TAG,
                f'tag "{written[:64]}" is not one of YAML\'s own',
                places.at(start, start + len(written)),
                "nothing is ever constructed: remove the tag",
            )
