"""Documents in plain block style, read line by line: one expression takes a text apart, and no node is made.

Most manifests hold mappings, lists and one-line scalars, one key a line. read_block gives their values several times
sooner than a YAML parser and refuses (None) everything that is not certain to mean the same to it: flow collections,
anchors, tags, escapes, folded text, tabs, keys that are no text, duplicate keys, odd indentation. nodes.py reads those;
tests/fuzz/test_block_lines.py compares the two on whatever is read here.
Source: YAML 1.1 chapters 7 to 9 as libyaml reads them.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Any, Final

from kubectl_asm.manifest.scalars import Dialect, resolve_plain

MAX_LENGTH: Final = 600_000
"""Characters of a document. Below it the budgets of nodes.py, which are not counted here, cannot be exceeded."""

MAX_LEVELS: Final = 100

_CONTROL: Final = r"\x00-\x1f\x7f"
"""What no text of a line holds. Classes say what they leave out, because Python compiles large classes slowly."""

_DOUBTFUL: Final = "[\x80-\xa0\u2028\u2029\ud800-\udfff\ufeff\ufffd-\uffff]"
"""Beyond ASCII: what YAML forbids or may take for a line end or a byte order mark."""

_START: Final = rf"[^{_CONTROL}\ !\"#%&'),:=>?@\[\\\]`{{|}}*-]"
_PLAIN: Final = rf"[^{_CONTROL}:#]*+"  # beside a blank these two end a plain scalar
LINE: Final = re.compile(
    rf"""^(?:
        (\ *+) (-\ ++)?+ (?: ([A-Za-z0-9_][-A-Za-z0-9_./]{{0,200}}+) : (?=[\ \n]|\Z) \ *+ )?+
        (?:
            ( {_START} {_PLAIN} (?: (?: :(?=[^\ \n]) | (?<=[^\ ])\# ) {_PLAIN} )*+ )
          | ( '[^{_CONTROL}']*+ (?: '' [^{_CONTROL}']*+ )*+ ' | "[^{_CONTROL}"\\]*+" )
          | ( \|-?+ )
        )?+
        \ *+ (?: (?<![^\ \n]) \#[^{_CONTROL}]*+ )?+
      | (.*)
    )$""",
    re.MULTILINE | re.VERBOSE,
)
"""Parts of a line: indentation, dash, key, plain scalar, quoted scalar, head of literal text; or all of any other line."""

_PRINTABLE: Final = re.compile(rf"[^{_CONTROL}]*+")
_TEXT_STARTS: Final = frozenset("ABCDEGHIJKLMPQRSUVWXZabcdeghijklmpqrsuvwxz_/$^(;<")
"""A plain scalar that begins with one of these is text: no null, boolean or number does."""

Lines = list[tuple[str, str, str, str, str, str, str]]


class _UncertainError(Exception):
    """The text is not certain to be plain block style."""


def read_block(text: str) -> BlockReader | None:
    """Return what one document holds as kubectl's dialect reads it; None when another reader has to."""
    if len(text) > MAX_LENGTH or "\t" in text or "\r" in text:
        return None
    if not text.isascii() and re.search(_DOUBTFUL, text):
        return None
    reader = BlockReader(text)
    try:
        reader.read()
    except _UncertainError:
        return None
    return reader


def _parts(text: str) -> Lines:
    """Return the parts of every line; a document mark counts as an empty line."""
    lines: Lines = LINE.findall(text)
    if lines[0][6].rstrip(" ") == "---":
        lines[0] = ("", "", "", "", "", "", "")
    return lines


class BlockReader:
    """Reads one document. A column is the number of characters before the first token of a collection.

    value: the mapping or list. entries: (collection, key or index, number of the line) of every member.
    begins: (collection, line, column).
    """

    __slots__ = ("_box", "_column", "_line", "_open", "_pending", "_text", "begins", "entries", "value")

    def __init__(self, text: str) -> None:
        self.value: Any = None
        self.entries: list[tuple[Any, str | int, int]] = []
        self.begins: list[tuple[Any, int, int]] = []
        self._line = 0
        self._text = text
        self._box: Any = None  # the innermost collection
        self._column = -1
        self._pending: str | None = None  # its last key, while that has no value
        self._open: list[tuple[Any, int]] = []

    def read(self) -> None:
        """Read the value. Raises _UncertainError."""
        skip_to = 0
        for number, (indent, dash, key, plain, quoted, head, other) in enumerate(_parts(self._text)):
            if number < skip_to:
                continue
            self._line = number
            column = len(indent)
            if dash:
                self._enter_item(column)
                column += len(dash)
            if key:
                self._enter_key(column, sys.intern(key), is_first=bool(dash))
                self.entries.append((self._box, key, number))
                if plain:
                    self._box[key] = _resolved(plain)
                elif quoted:
                    self._box[key] = _unquoted(quoted)
                elif head:
                    self._box[key], skip_to = self._literal(number + 1, head)
                else:
                    self._box[key], self._pending = None, key
            elif dash and (plain or quoted):
                self.entries.append((self._box, len(self._box), number))
                self._box.append(_resolved(plain) if plain else _unquoted(quoted))
            elif dash or plain or quoted or head or other:
                raise _UncertainError
        if self._box is None:
            raise _UncertainError
        self.value = self._open[0][0] if self._open else self._box

    def _enter_item(self, column: int) -> None:
        """Make the list innermost to which a dash in this column belongs."""
        if self._box is None or (self._pending is not None and column >= self._column):
            self._begin([], column)
        else:
            self._close(column)
        if type(self._box) is not list:
            raise _UncertainError

    def _enter_key(self, column: int, key: str, *, is_first: bool) -> None:
        """Make the mapping innermost to which a key in this column belongs. is_first: it follows a dash on its line."""
        if is_first or self._box is None or (self._pending is not None and column > self._column):
            self._begin({}, column)
        elif column != self._column or type(self._box) is list:
            self._close(column)
            if type(self._box) is list and self._open:  # a list may stand in the column of the key it belongs to
                self._box, self._column = self._open.pop()
        self._pending = None
        if column != self._column or type(self._box) is not dict or key in self._box or not _is_text(key):
            raise _UncertainError

    def _begin(self, box: Any, column: int) -> None:
        if self._box is not None:
            if self._pending is not None:
                self._box[self._pending] = box
            else:
                self.entries.append((self._box, len(self._box), self._line))
                self._box.append(box)
            self._open.append((self._box, self._column))
            if len(self._open) > MAX_LEVELS:
                raise _UncertainError
        self.begins.append((box, self._line, column))
        self._box, self._column, self._pending = box, column, None

    def _close(self, column: int) -> None:
        """Leave collections until one is in this column. Raises _UncertainError when none is."""
        self._pending = None
        while column < self._column and self._open:
            self._box, self._column = self._open.pop()
        if column != self._column:
            raise _UncertainError

    def _literal(self, first: int, head: str) -> tuple[str, int]:
        """Return literal text and the number of the line after it."""
        raw = self._text.split("\n")
        indent = len(raw[first]) - len(raw[first].lstrip(" ")) if first < len(raw) else 0
        if indent <= self._column or len(raw[first]) == indent:
            raise _UncertainError
        content: list[str] = []
        for number in range(first, len(raw)):
            line = raw[number]
            if not _PRINTABLE.fullmatch(line):
                raise _UncertainError
            if line[:indent].strip(" "):
                return _chomped(content, head), number
            content.append(line[indent:])
        if content.pop():  # the text ends without a line end
            raise _UncertainError
        return _chomped(content, head), len(raw)


def _chomped(lines: list[str], head: str) -> str:
    while not lines[-1]:
        lines.pop()
    return "\n".join(lines) + ("\n" if head == "|" else "")


def _resolved(plain: str) -> Any:
    text = plain.rstrip(" ")
    return text if text[0] in _TEXT_STARTS else resolve_plain(text, Dialect.KUBECTL)


def _unquoted(quoted: str) -> str:
    text = quoted[1:-1]
    return text.replace("''", "'") if quoted[0] == "'" and "''" in text else text


@lru_cache(maxsize=4096)
def _is_text(key: str) -> bool:
    return resolve_plain(key, Dialect.KUBECTL) == key
