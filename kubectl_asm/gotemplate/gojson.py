"""JSON text exactly as Go's encoding/json writes and reads it.

``dumps`` sorts keys by bytes, escapes HTML characters on request and writes floats by Go's rule; ``loads`` is as strict
as Go's decoder and gives the value model of ``values.py`` (numbers are float64). Used by the template functions and the
rest of the product. Source: spec/data.md sections 4.3, 7.3, 7.4; spec/templates.md 6.4.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from kubectl_asm.gotemplate.budget import BudgetExceeded
from kubectl_asm.gotemplate.floats import format_json
from kubectl_asm.gotemplate.values import (
    MISSING,
    GoBytes,
    GoList,
    GoMap,
    GoObject,
    raw,
    runes,
    sorted_keys,
    type_of,
)

MAX_DEPTH: Final = 10_000
"""Go's decoder refuses deeper nesting."""

PYTHON_DEPTH: Final = 450
"""Nesting that the recursive fast paths may meet; deeper documents are refused rather than exhaust the stack."""


MAX_VALUES: Final = 2_000_000
"""Values that one written document may hold: lists that share members would otherwise grow without end."""


class JSONError(ValueError):
    """Text that is not JSON, or a value without a JSON form; the message is Go's where its cause is the same."""


# --- writing ----------------------------------------------------------------------------------------------

_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_PLAIN: Final = re.compile('["\\\\\x00-\x1f\x7f\u2028\u2029\udc80-\udcff]')
_HTML: Final = re.compile('["\\\\\x00-\x1f<>&\u2028\u2029\udc80-\udcff]')


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char == "\x7f":
        return char
    if "\udc80" <= char <= "\udcff":
        return "\\ufffd"
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def quote(text: str, *, escape_html: bool = True) -> str:
    """Return text as a JSON string literal; each byte that is not UTF-8 becomes the escape of U+FFFD."""
    return '"' + (_HTML if escape_html else _PLAIN).sub(_escape, text) + '"'


def _object_value(value: GoObject) -> object:
    """Return what stands for a struct in JSON: its own text form or its exported fields in order."""
    text = value.json_text()
    return text if text is not None else dict(value.go_struct())


class _Writer:
    """Collects the pieces of one document."""

    def __init__(self, escape_html: bool, indent: str | None) -> None:
        self.out: list[str] = []
        self.escape_html = escape_html
        self.indent = indent
        self.room = MAX_VALUES
        self.open: set[int] = set()  # the maps and lists around the value that is being written

    def write(self, value: object, depth: int) -> None:
        self.room -= 1
        if self.room < 0:
            raise BudgetExceeded(f"JSON text exceeds the budget of {MAX_VALUES} values")
        if depth > PYTHON_DEPTH:
            raise JSONError("json: unsupported value: encountered a cycle or too deep nesting")
        if isinstance(value, GoObject):
            value = _object_value(value)
            self.collection("{}", [(key, item) for key, item in value.items()], depth) if isinstance(value, dict) else self.write(
                value, depth
            )
        elif isinstance(value, Mapping):
            self.enter(value)
            self.mapping(value, depth)
            self.open.discard(id(value))
        elif isinstance(value, (list, tuple)) and not (isinstance(value, GoList) and value.is_nil):
            self.enter(value)
            self.collection("[]", [(None, item) for item in value], depth)
            self.open.discard(id(value))
        else:
            self.out.append(self.scalar(value))

    def enter(self, value: object) -> None:
        """Take note of a container; one that is inside of itself has no JSON form. Raises: JSONError."""
        if id(value) in self.open:
            raise JSONError(f"json: unsupported value: encountered a cycle via {type_of(value)}")
        self.open.add(id(value))

    def scalar(self, value: object) -> str:
        if isinstance(value, str):
            return quote(value, escape_html=self.escape_html)
        if value is None or value is MISSING or isinstance(value, GoList):
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, float):
            return _number(value)
        if isinstance(value, (GoBytes, bytes)):
            return f'"{base64.b64encode(value).decode()}"'
        raise JSONError(f"json: unsupported type: {type_of(value)}")

    def mapping(self, value: Mapping[str, object], depth: int) -> None:
        if isinstance(value, GoMap) and value.is_nil:
            self.out.append("null")
            return
        self.collection("{}", [(key, value[key]) for key in sorted_keys(value)], depth)

    def collection(self, braces: str, items: list[tuple[str | None, object]], depth: int) -> None:
        if not items:
            self.out.append(braces)
            return
        line = "" if self.indent is None else "\n" + self.indent * (depth + 1)
        colon = ":" if self.indent is None else ": "
        self.out.append(braces[0])
        for number, (key, item) in enumerate(items):
            self.out.append("," + line if number else line)
            if key is not None:
                self.out.append(quote(key, escape_html=self.escape_html) + colon)
            self.write(item, depth + 1)
        self.out.append(("" if self.indent is None else "\n" + self.indent * depth) + braces[1])


def _number(value: float) -> str:
    if math.isfinite(value):
        return format_json(value)
    name = "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    raise JSONError(f"json: unsupported value: {name}")


def dumps(value: object, *, escape_html: bool = True, indent: str | None = None) -> str:
    """Return value as Go's encoding/json writes it: no spaces, keys sorted; indent is the text of one level.

    Accepts Go values and plain dict, list, tuple, str, int, float, bool, None; bytes become base64 text as in Go.
    escape_html: write ``< > &`` as escapes (Go's default); U+2028 and U+2029 are always escaped.
    Raises: JSONError for NaN, infinities, complex numbers and nesting beyond reason.
    """
    writer = _Writer(escape_html, indent)
    writer.write(value, 0)
    return "".join(writer.out)


# --- reading ----------------------------------------------------------------------------------------------

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MANTISSA_ONLY: Final = {".": frozenset(".eE"), "e": frozenset("eE"), "E": frozenset("eE")}
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)")
_LETTERS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONTROL: Final = re.compile(r"[\ud800-\udfff]")


def _unescape(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _LETTERS.get(match.group(2), match.group(2))


def _text(literal: str) -> str:
    """Return the string of a checked literal. Surrogate pairs are joined; lone ones and invalid bytes become U+FFFD."""
    inner = literal[1:-1]
    if inner.isascii() and "\\" not in inner:
        return inner
    inner = runes(inner)
    if "\\" in inner:
        inner = _ESCAPED.sub(_unescape, inner)
        if _CONTROL.search(inner):
            inner = inner.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return inner


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JSONError(f"json: cannot unmarshal number {text} into Go value of type float64")
    return value


class _Reader:
    """Reads one document without recursion, so that any nesting ends in a value or an error."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, context: str) -> NoReturn:
        if self.at >= len(self.text):
            raise JSONError("unexpected end of JSON input")
        raise JSONError(f"invalid character {_char(self.text[self.at])} {context}")

    def skip(self) -> str:
        """Move past white space and return the next character, or an empty text at the end."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return self.text[self.at : self.at + 1]

    def document(self) -> object:
        value = self.value()
        if self.skip():
            self.fail("after top-level value")
        return value

    def value(self) -> object:
        """Read one value. Open containers wait on a stack beside the key that the next value belongs to."""
        open_: list[tuple[GoMap | GoList, str]] = []
        while True:
            value, opened = self.atom()
            if opened:
                assert isinstance(value, (GoMap, GoList))
                if len(open_) >= MAX_DEPTH:
                    raise JSONError("exceeded max depth")
                closing = "}" if isinstance(value, GoMap) else "]"
                if self.skip() != closing:
                    open_.append((value, self.key() if isinstance(value, GoMap) else ""))
                    continue
                self.at += 1
            while open_:
                container, key = open_.pop()
                more = self.add(container, key, value)
                if more:
                    open_.append((container, self.key() if isinstance(container, GoMap) else ""))
                    break
                value = container
            else:
                return value

    def add(self, container: GoMap | GoList, key: str, value: object) -> bool:
        """Put value into its container; return whether a comma announces another one."""
        if isinstance(container, GoMap):
            container[key] = value
            closing, context = "}", "after object key:value pair"
        else:
            container.append(value)
            closing, context = "]", "after array element"
        char = self.skip()
        if char != "," and char != closing:
            self.fail(context)
        self.at += 1
        return char == ","

    def key(self) -> str:
        if self.skip() != '"':
            self.fail("looking for beginning of object key string")
        key = self.string()
        if self.skip() != ":":
            self.fail("after object key")
        self.at += 1
        return key

    def atom(self) -> tuple[object, bool]:
        """Read a scalar, or open a container (second item true)."""
        char = self.skip()
        if char == '"':
            return self.string(), False
        if char in ("{", "["):
            self.at += 1
            return (GoMap() if char == "{" else GoList()), True
        if char and (char in "-0123456789"):
            return self.number(), False
        return self.word(char), False

    def number(self) -> float:
        match = _NUMBER.match(self.text, self.at)
        if match is None:
            self.at += 1
            self.fail("in numeric literal")
        self.at = match.end()
        unfinished = self.text[self.at : self.at + 1]
        if unfinished in tuple(".eE") and _MANTISSA_ONLY[unfinished].isdisjoint(match.group()):
            self.at += 1
            self.fail("after decimal point in numeric literal" if unfinished == "." else "in exponent of numeric literal")
        return _float(match.group())

    def word(self, char: str) -> object:
        for word, value in (("true", True), ("false", False), ("null", None)):
            if char == word[0]:
                for expected in word:
                    if self.text[self.at : self.at + 1] != expected:
                        self.fail(f"in literal {word} (expecting {_char(expected)})")
                    self.at += 1
                return value
        return self.fail("looking for beginning of value")

    def string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            self._bad_string()
        self.at = match.end()
        return _text(match.group())

    def _bad_string(self) -> NoReturn:
        body = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*').match(self.text, self.at)
        assert body is not None
        self.at = body.end()
        if self.text[self.at : self.at + 1] != "\\":
            self.fail("in string literal")
        self.at += 1
        if self.text[self.at : self.at + 1] != "u":
            self.fail("in string escape code")
        self.at += 1
        while self.text[self.at : self.at + 1] in tuple("0123456789abcdefABCDEF"):
            self.at += 1
        self.fail("in \\u hexadecimal character escape")


def _char(char: str) -> str:
    """Return a character as Go's decoder names it: by its first byte."""
    if char == "'":
        return "'\\''"
    if char == '"':
        return "'\"'"
    first = chr(raw(char)[0])
    shown = json.dumps(first)[1:-1] if first < " " or first == "\\" else first
    return f"'{shown}'"


def loads(text: str) -> object:
    """Return the value of a JSON text: GoMap, GoList, str, float, bool or None; the last of equal keys wins.

    Raises: JSONError for anything Go's decoder refuses (NaN, trailing text, numbers outside float64, nesting over 10 000).
    """
    return _Reader(text).document()
