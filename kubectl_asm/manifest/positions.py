"""Places inside one document: values, keys, and characters inside scalars, whatever style they are written in.

Nodes are composed once, and only when somebody asks for what lines alone do not tell (block_outline.py). Lines and
columns are counted in the text itself: a column is one character, CR LF is one line end, and text reached through an
alias or merge key lies where it is anchored.
Source: lint corpus README section 3 (columns, place of the guilty token).
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final

from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from kubectl_asm.diagnostics import Span
from kubectl_asm.errors import InputError
from kubectl_asm.manifest.block_lines import BlockReader
from kubectl_asm.manifest.block_outline import BlockOutline
from kubectl_asm.manifest.documents import Document, Path
from kubectl_asm.manifest.nodes import compose
from kubectl_asm.manifest.scalar_offsets import source_offsets
from kubectl_asm.manifest.scalars import Dialect, resolve_plain

_PROPERTIES = re.compile(r"(?:(?:&[^\s,\[\]{}]+|![^\s,\[\]{}]*)(?:[ \t\r\n]+|#[^\n]*(?:\n|$)|$)*)+")
_HEADER = re.compile(r"[|>][-+0-9]*")
_SURROGATE_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_FILLER: Final = r"\u0020\u0020"

_LARGE: Final = 64
_START: Final = Mark("", 0, 0, 0, None, 0)
_NOWHERE: Final = ScalarNode("", "", _START, _START)
"""Stands for the root of a document whose nodes cannot be composed."""

Step = tuple[Node | None, Node]


class Places:
    """Finds places in one document."""

    def __init__(self, document: Document) -> None:
        self._file = document.file
        self._first_line = document.first_line
        self._text = document.text
        self._block = document.block
        self._block_outline: BlockOutline | None = None
        self._root: Node | None = None
        self._is_composed = False
        self._members: dict[int, dict[str, Step]] = {}
        self._offsets: dict[int, list[int]] = {}
        self._line_starts: list[int] | None = None

    def value(self, path: Path) -> Span:
        """Return the place of a value; of the nearest existing parent's value when it is absent."""
        if self._block is not None:
            return self._span(*self._outline(self._block).find(path).value)
        return self._span(*self._extent(self._walk(path)[-1][1]))

    def key(self, path: Path) -> Span:
        """Return the place of a member's key, of a list item itself; of the nearest existing parent when it is absent."""
        if self._block is not None:
            found = self._outline(self._block).find(path)
            return self._span(*(found.key or found.value))
        key_node, node = self._walk(path)[-1]
        return self._span(*self._extent(key_node if key_node is not None else node))

    def inner(self, path: Path, offset: int, length: int) -> Span:
        """Return the place of characters inside a text value, given by offset and length in the decoded value."""
        node = self._walk(path)[-1][1]
        if not isinstance(node, ScalarNode):
            return self.value(path)
        offsets = self._offsets.get(id(node))
        if offsets is None:
            offsets = self._offsets[id(node)] = source_offsets(self._text, self.begin(node), node)
        if offset >= len(offsets):
            end = offsets[-1] if offsets else self.begin(node)
            return self._span(end, end)
        last = offsets[min(offset + max(length, 1), len(offsets)) - 1]
        end = offsets[offset + length] if offset + length < len(offsets) and length else last + 1
        return self._span(offsets[offset], min(end, last + 1) if length else offsets[offset])

    def written(self, path: Path) -> str:
        """Return the text of a scalar before anything was made of it, empty for what is no scalar or does not exist."""
        if self._block is not None and (place := self._outline(self._block).find(path)).style == "":
            return self._text[slice(*place.value)] if place.depth == len(path) else ""
        found = self._walk(path)
        node = found[-1][1]
        return str(node.value) if isinstance(node, ScalarNode) and len(found) > len(path) else ""

    def contains(self, path: Path, index: int) -> bool:
        """Return whether a character of the text lies inside the value at path."""
        node = self._walk(path)[-1][1]
        return bool(node.start_mark.index <= index < max(node.end_mark.index, node.start_mark.index + 1))

    def at(self, index: int, end: int | None = None) -> Span:
        """Return the place of a range of the document's text."""
        return self._span(index, index if end is None else end)

    def own_steps(self, path: Path) -> list[Step] | None:
        """Return the nodes along a path, the root first; None when one is absent or its text serves other places too.

        Text that is anchored, or reached through an alias or a merge key, serves others.
        """
        found = self._walk(path)
        if len(found) <= len(path) or found[0][1] is _NOWHERE:
            return None
        for (_, parent), (key, node) in itertools.pairwise(found):
            if not _is_own_step(parent, key, node) or "&" in self._text[node.start_mark.index : self.begin(node)]:
                return None
        return found

    def _outline(self, block: BlockReader) -> BlockOutline:
        if self._block_outline is None:
            self._block_outline = BlockOutline(block, self._text, self._starts())
        return self._block_outline

    # -- nodes

    def _nodes(self) -> Node | None:
        if not self._is_composed:
            self._is_composed = True
            try:
                self._root = compose(_SURROGATE_PAIR.sub(lambda _match: _FILLER, self._text))
            except InputError:
                self._root = None
        return self._root

    def _walk(self, path: Path) -> list[Step]:
        """Return the nodes along a path, the root first, as far as they exist."""
        node = self._nodes()
        if node is None:
            node = _NOWHERE
        found: list[Step] = [(None, node)]
        for step in path:
            member = self._member(node, step)
            if member is None:
                break
            found.append(member)
            node = member[1]
        return found

    def _member(self, node: Node, step: str | int) -> Step | None:
        """Return a member; large mappings are indexed, because every finding walks from the root."""
        if not isinstance(node, MappingNode) or len(node.value) < _LARGE:
            return _member(node, step)
        index = self._members.get(id(node))
        if index is None:
            index = self._members[id(node)] = {
                key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)
            }
        return index.get(str(step)) or _member(node, step)

    # -- marks

    def begin(self, node: Node) -> int:
        """Return where a node's own text begins: after anchors and tags."""
        start: int = node.start_mark.index
        if self._text[start : start + 1] in ("&", "!"):
            match = _PROPERTIES.match(self._text, start)
            start = match.end() if match else start
        return start

    def _extent(self, node: Node) -> tuple[int, int]:
        begin = self.begin(node)
        if isinstance(node, ScalarNode):
            if node.style in ("|", ">") and (header := _HEADER.match(self._text, begin)):
                return begin, header.end()
            return begin, max(begin, node.end_mark.index)
        if getattr(node, "flow_style", False):
            return begin, node.end_mark.index
        if isinstance(node, MappingNode) and node.value:
            return begin, max(begin, self._extent(node.value[0][0])[1])
        return begin, begin + 1

    def _span(self, begin: int, end: int) -> Span:
        line, column = self._place(begin)
        end_line, end_column = (line, column + end - begin) if "\n" not in self._text[begin:end] else self._place(end)
        return Span(self._file, line, column, end_line, end_column)

    def _place(self, index: int) -> tuple[int, int]:
        starts = self._starts()
        number = bisect_right(starts, index)
        return self._first_line + number - 1, index - starts[number - 1] + 1

    def _starts(self) -> list[int]:
        if self._line_starts is None:
            lengths = (len(line) + 1 for line in self._text.split("\n"))
            self._line_starts = list(itertools.accumulate(lengths, initial=0))
        return self._line_starts


def _member(node: Node, step: str | int) -> Step | None:
    if isinstance(node, SequenceNode):
        return (None, node.value[step]) if isinstance(step, int) and 0 <= step < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    for key_node, value_node in reversed(node.value):
        if isinstance(key_node, ScalarNode) and key_node.value == str(step):
            return key_node, value_node
    return _resolved(node, step) or _merged(node, step)


def _resolved(node: MappingNode, step: str | int) -> Step | None:
    """Find a member whose key is no text: `y` and `0x10` name the members true and 16."""
    for key_node, value_node in node.value:
        if isinstance(key_node, ScalarNode) and not key_node.style:
            key = resolve_plain(key_node.value, Dialect.KUBECTL)
            if not isinstance(key, str) and str(key).lower() == str(step):
                return key_node, value_node
    return None


def _merged(node: MappingNode, step: str | int) -> Step | None:
    """Find a member that came through a merge key."""
    for key_node, value_node in node.value:
        if isinstance(key_node, ScalarNode) and key_node.value == "<<":
            sources = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
            for source in sources:
                if found := _member(source, step):
                    return found
    return None


def _is_own_step(parent: Node, key: Node | None, node: Node) -> bool:
    """Return whether a member stands in the text of its parent: neither merged into it nor an alias."""
    if isinstance(parent, MappingNode):
        is_direct = any(key is one for one, _ in parent.value)
        return is_direct and key is not None and node.start_mark.index >= key.end_mark.index
    position = next(at for at, one in enumerate(parent.value) if one is node)
    before = parent.value[position - 1].end_mark.index if position else parent.start_mark.index
    is_repeated = sum(one is node for one in parent.value) > 1
    return not is_repeated and node.start_mark.index >= before


def every_node(root: Node, visit: Callable[[Node], None]) -> None:
    """Call visit for every node of a tree once, in the order of the text; shared and circular nodes are seen once."""
    seen: set[int] = set()
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        visit(node)
        if isinstance(node, MappingNode):
            waiting.extend(part for pair in reversed(node.value) for part in reversed(pair))
        elif isinstance(node, SequenceNode):
            waiting.extend(reversed(node.value))


def path_to(root: Node, wanted: Node) -> Path | None:
    """Return the path of a node below a root, by its first appearance in the text; None when it is not there."""
    waiting: list[tuple[Path, Node]] = [((), root)]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if node is wanted:
            return path
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            waiting.extend(((*path, key.value), one) for key, one in reversed(node.value) if isinstance(key, ScalarNode))
        elif isinstance(node, SequenceNode):
            waiting.extend(((*path, at), one) for at, one in reversed(list(enumerate(node.value))))
    return None


def starts_with(path: Sequence[str | int], prefix: Sequence[str | int]) -> bool:
    """Return whether a path lies at or below another one."""
    return len(path) >= len(prefix) and tuple(path[: len(prefix)]) == tuple(prefix)
