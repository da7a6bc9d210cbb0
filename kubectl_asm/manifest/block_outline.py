"""Places in a document of plain block style, by lines and columns: no node is built to say where one would be.

Only for texts that block_lines.read_block reads. The same reader says in which line each member stands, and the
expression that took the line apart says where in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kubectl_asm.manifest.block_lines import LINE, BlockReader

Range = tuple[int, int]

_KEY: Final = 3  # groups of LINE
_PLAIN: Final = 4
_QUOTED: Final = 5
_HEAD: Final = 6
_ABSENT: Final = (-1, -1)


class Found(msgspec.Struct, frozen=True):
    """The deepest existing part of a path. depth: steps that exist; ranges are characters of the text.

    key: of a member. value: of a scalar, of the head of literal text, of a mapping's first key, of a list's first dash.
    style: a quote, `|`, or empty for a plain scalar; None for a collection.
    """

    depth: int
    key: Range | None
    value: Range
    style: str | None


class BlockOutline:
    """Finds places in one document. starts: the offset of every line."""

    def __init__(self, reader: BlockReader, text: str, starts: Sequence[int]) -> None:
        self._root = reader.value
        self._lines = {(id(box), step): line for box, step, line in reader.entries}
        self._begins = {id(box): (line, column) for box, line, column in reader.begins}
        self._text = text
        self._starts = starts

    def find(self, path: Sequence[str | int]) -> Found:
        """Return the place at path, or of the nearest existing parent."""
        parent, value, depth, line = None, self._root, 0, 0
        for given in path:
            step = given if isinstance(value, list) else str(given)
            at = self._lines.get((id(value), step))
            if at is None:
                break
            parent, value, depth, line = value, value[step], depth + 1, at
        key = self._range(line, _KEY) if isinstance(parent, dict) else None
        if isinstance(value, dict | list):
            return Found(depth, key, self._first_token(value), None)
        return self._scalar(depth, key, line)

    def _first_token(self, value: Any) -> Range:
        line, column = self._begins[id(value)]
        dash = self._starts[line] + column
        return (dash, dash + 1) if isinstance(value, list) else self._range(line, _KEY)

    def _scalar(self, depth: int, key: Range | None, line: int) -> Found:
        if (quoted := self._range(line, _QUOTED)) != _ABSENT:
            return Found(depth, key, quoted, self._text[quoted[0]])
        if (head := self._range(line, _HEAD)) != _ABSENT:
            return Found(depth, key, head, "|")
        begin, end = self._range(line, _PLAIN)
        if begin < end:
            return Found(depth, key, (begin, begin + len(self._text[begin:end].rstrip(" "))), "")
        assert key is not None
        return Found(depth, key, (key[1] + 1, key[1] + 1), "")

    def _range(self, line: int, group: int) -> Range:
        match = LINE.match(self._text, self._starts[line])
        assert match is not None
        return match.span(group)
