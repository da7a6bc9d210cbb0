"""YAML text to node trees and node trees to values, with Go's rules and hard budgets.

PyYAML's C parser gives nodes with marks; everything the Go loaders decide (scalar meaning, duplicate keys, merges,
alias expansion) is decided here. Nothing is ever constructed from a tag.
Source: spec/data.md 7.1, spec/lint.md 1.
"""

from __future__ import annotations

import base64
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Final, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kubectl_asm.errors import InputError
from kubectl_asm.gotemplate.floats import format_v
from kubectl_asm.manifest.scalars import NULLS, Dialect, parse_int, parse_timestamp, resolve_plain

MAX_DEPTH: Final = 300  # Python frames a level and the C parser recurse; Kubernetes objects need about 20
MAX_EXPANDED_NODES: Final = 1_000_000
MAX_EXPANDED_TEXT: Final = 128 * 1024 * 1024

_TAG = "tag:yaml.org,2002:"
_STR, _INT, _FLOAT, _BOOL = f"{_TAG}str", f"{_TAG}int", f"{_TAG}float", f"{_TAG}bool"
_SEQUENCE, _MAPPING = f"{_TAG}seq", f"{_TAG}map"
_NULL, _BINARY, _TIMESTAMP, _MERGE = f"{_TAG}null", f"{_TAG}binary", f"{_TAG}timestamp", f"{_TAG}merge"
PLAIN: Final = "!plain"  # our own mark; a document cannot write it without being an explicit, foreign tag

_NOT_UNICODE = re.compile("[\ud800-\udfff]")  # bytes that were no UTF-8, kept as surrogate escapes
_Loader: type[Any] = getattr(yaml, "CLoader", yaml.Loader)


class _NodeLoader(_Loader):  # type: ignore[misc]  # the C base has no type information
    """Composes nodes without resolving implicit tags: every untagged plain scalar gets the tag PLAIN."""

    yaml_implicit_resolvers: ClassVar[dict[Any, Any]] = {None: [(PLAIN, re.compile(""))]}
    yaml_path_resolvers: ClassVar[dict[Any, Any]] = {}

    def resolve(self, kind: type[Node], _value: str | None, implicit: Any) -> str:
        """Return the tag of an untagged node. The general resolver asks tables for every node; this is all they say."""
        if kind is ScalarNode:
            return PLAIN if implicit[0] else _STR
        return _SEQUENCE if kind is SequenceNode else _MAPPING

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        """Keep no account of paths: no tag depends on one."""

    def ascend_resolver(self) -> None:
        """Keep no account of paths."""


@contextmanager
def paused_gc() -> Iterator[None]:
    """Switch garbage collection off: bulk composition makes millions of acyclic nodes (5x faster without it)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def compose(text: str, *, file: str = "", first_line: int = 1) -> Node | None:
    """Return the node tree of the first document of text, None when it holds none.

    first_line: 1-based line of file on which text starts; errors are InputError with the place in the file.
    """
    if not text.isascii() and (place := _NOT_UNICODE.search(text)) is not None:
        raise InputError("the text is not UTF-8", file=file, line=first_line + text.count("\n", 0, place.start()))
    loader = _NodeLoader(text)
    try:
        if not loader.check_node():
            return None
        return cast("Node", loader.get_node())
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, file, first_line) from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "?")
        message = f"YAML does not allow the character #x{code:04x}"
        raise InputError(message, file=file, line=first_line + text.count("\n", 0, error.position)) from None
    except RecursionError:
        raise InputError("the document is nested too deeply", file=file, line=first_line) from None
    finally:
        loader.dispose()


def _syntax_error(error: yaml.MarkedYAMLError, file: str, first_line: int) -> InputError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + first_line, mark.column + 1) if mark else (first_line, 1)
    problem = error.problem or error.context or "not valid YAML"
    hint = None
    if "found character '\\t'" in problem or "cannot start any token" in problem:
        hint = "indent with spaces, and quote values that start with @, ` or %"
    return InputError(f"not valid YAML: {problem}", file=file, line=line, column=column, hint=hint)


class Constructor:
    """Turns one node tree into plain values: dict, list, str, bool, int, float, None, datetime, bytes-as-text.

    Raises InputError with a place for duplicate keys, alias cycles and bombs, depth, and keys that are collections.
    """

    def __init__(self, dialect: Dialect, *, file: str = "", first_line: int = 1) -> None:
        self._dialect = dialect
        self._file = file
        self._first_line = first_line
        self._budget = MAX_EXPANDED_NODES
        self._text_budget = MAX_EXPANDED_TEXT
        self._open: set[int] = set()

    def value(self, node: Node, depth: int = 0) -> Any:
        """Return the value of a node."""
        self._budget -= 1
        if self._budget < 0:
            raise self._error(node, f"aliases expand to more than {MAX_EXPANDED_NODES:,} nodes")
        if type(node) is ScalarNode:
            self._text_budget -= len(node.value)
            if self._text_budget < 0:
                raise self._error(node, f"aliases expand to more than {MAX_EXPANDED_TEXT // 1024 // 1024} MiB of text")
            return self._scalar(node)
        if depth >= MAX_DEPTH:
            raise self._error(node, f"nested more than {MAX_DEPTH} levels deep")
        identity = id(node)
        if identity in self._open:
            raise self._error(node, "an anchor contains itself")
        self._open.add(identity)
        try:
            if type(node) is MappingNode:
                return self._mapping(node, depth + 1)
            assert isinstance(node, SequenceNode)
            return [self.value(item, depth + 1) for item in node.value]
        finally:
            self._open.discard(identity)

    def _scalar(self, node: ScalarNode) -> Any:
        tag: str = node.tag
        if tag == PLAIN and not node.style:
            return resolve_plain(node.value, self._dialect)
        if tag == _STR:
            return node.value
        return self._tagged(node, tag)

    def _tagged(self, node: ScalarNode, tag: str) -> Any:
        text: str = node.value
        if tag == _BINARY:
            try:
                return base64.b64decode(text.translate({10: None, 13: None, 32: None}), validate=True).decode(
                    "utf-8", "surrogateescape"
                )
            except ValueError:
                raise self._error(node, "!!binary text is not base64") from None
        if tag not in (_INT, _FLOAT, _BOOL, _NULL, _TIMESTAMP):
            return text  # a foreign tag changes nothing for untyped targets; the linter reports it
        value = self._typed(text, tag)
        if value is _MISMATCH:
            raise self._error(node, f"the text does not fit its tag !!{tag.rpartition(':')[2]}")
        return value

    def _typed(self, text: str, tag: str) -> Any:
        if tag == _NULL:
            return None if text in NULLS else _MISMATCH
        if tag == _TIMESTAMP:
            return parse_timestamp(text) or _MISMATCH
        value = resolve_plain(text, self._dialect)
        if tag == _INT:
            number = parse_int(text.replace("_", ""))
            return number if number is not None else _MISMATCH
        if tag == _FLOAT and isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        if tag == _BOOL and isinstance(value, bool):
            return value
        return _MISMATCH

    def _mapping(self, node: MappingNode, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                merges.append(value_node)
                continue
            key = self._key(key_node)
            if key in result:
                raise self._error(key_node, f"duplicate key {_quoted(key)} in one mapping")
            result[key] = self.value(value_node, depth)
        for value_node in merges:
            self._merge(result, value_node, depth)
        return result

    def _merge(self, result: dict[Any, Any], node: Node, depth: int) -> None:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, MappingNode):
                raise self._error(source, "a merge key (<<) needs a mapping or a list of mappings")
            for key, value in self.value(source, depth).items():
                result.setdefault(key, value)

    def _key(self, node: Node) -> Any:
        if not isinstance(node, ScalarNode):
            raise self._error(node, "a mapping key must be a scalar")
        key = self._scalar(node)
        self._budget -= 1
        if isinstance(key, str):
            return key
        if self._dialect is Dialect.KUBECTL:
            if key is None:
                raise self._error(node, "a mapping key must not be null")
            return _json_key(key)
        return TypedKey(key)  # True == 1 in Python: keep the kinds apart the way Go's map does

    def _error(self, node: Node, message: str) -> InputError:
        mark = node.start_mark
        return InputError(message, file=self._file, line=mark.line + self._first_line, column=mark.column + 1)


class TypedKey:
    """A mapping key that is no text: null, boolean, number or instant. Equal only to a key of the same kind."""

    __slots__ = ("value",)

    def __init__(self, value: bool | int | float | datetime | None) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedKey) and type(self.value) is type(other.value) and self.value == other.value

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))

    def __repr__(self) -> str:
        return f"TypedKey({type(self.value).__name__})"


def _json_key(key: bool | int | float | datetime) -> str:
    """Return the member name kubectl's loader makes of a key that is no text: `1` and `on` become "1" and "true"."""
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, float):
        return format_v(key)
    return str(key)


_MISMATCH: Final = object()


def _is_merge(node: Node) -> bool:
    return type(node) is ScalarNode and node.value == "<<" and node.tag in (PLAIN, _MERGE)


def _quoted(key: Any) -> str:
    text = key if isinstance(key, str) else str(getattr(key, "value", key))
    return f'"{text[:64]}"'
