"""YAML block text exactly as Go's yaml.v3 writes it.

Extracted and queried members that are lists or mappings reach the Secret as this text, so every byte counts: key
order, quoting, indentation. The style rules are the emitter's: a text is analysed once and the first allowed style
of plain, single quoted, double quoted is taken; texts with line breaks become literal blocks.
Source: spec/data.md 7.2, 7.3; checked against yaml.v3 3.0.1.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import cmp_to_key
from typing import Any, Final

import msgspec

from kubectl_asm.gotemplate.floats import format_v
from kubectl_asm.manifest.nodes import TypedKey
from kubectl_asm.manifest.scalars import Dialect, resolve_plain

_INDENT: Final = 4
_MAX_SIMPLE_KEY: Final = 128
_INT64: Final = 2**63
_OLD_BOOLEANS: Final = frozenset(
    ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF")
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_BREAKS: Final = frozenset("\n\r\x85\u2028\u2029")
_ESCAPES: Final = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e",
    '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def dump(value: Any) -> str:
    """Return value as one YAML document ending with a newline. Mappings may hold TypedKey keys."""
    return "".join(_Emitter().node(value, -1, in_sequence=False, start=True))


class _Shape(msgspec.Struct, frozen=True):
    """What the emitter learns about a text before it chooses a style."""

    multiline: bool
    plain_ok: bool
    single_ok: bool
    literal_ok: bool


class _Emitter:
    """Walks a value depth first; indent is the column of the enclosing collection, -1 at the top."""

    def node(self, value: Any, indent: int, *, in_sequence: bool, start: bool = False) -> Iterator[str]:
        """Yield the text of a value that follows an indicator; start: nothing stands before it on the line."""
        if isinstance(value, dict) and value:
            yield from self._mapping(value, self._deeper(indent, in_sequence), inline=in_sequence or start)
        elif isinstance(value, list) and value:
            yield from self._sequence(value, self._deeper(indent, in_sequence), inline=in_sequence or start)
        else:
            lead = "" if start else " "
            yield lead + self._scalar(value, self._deeper(indent, in_sequence) if indent >= 0 else _INDENT) + "\n"

    @staticmethod
    def _deeper(indent: int, in_sequence: bool) -> int:
        if indent < 0:
            return 0
        if in_sequence:
            return indent + 2  # the first step inside a sequence only skips its "- "
        return _INDENT * ((indent + _INDENT) // _INDENT)

    def _mapping(self, value: dict[Any, Any], indent: int, *, inline: bool) -> Iterator[str]:
        pad = " " * indent
        first = inline
        if not inline:
            yield "\n"
        for key in sorted_keys(value):
            yield "" if first else pad
            first = False
            text, is_simple = self._key(key, indent)
            if is_simple:
                yield f"{text}:"
                yield from self.node(value[key], indent, in_sequence=False)
            else:
                yield f"? {text}\n{pad}:"
                yield from self._value_of_complex_key(value[key], indent)

    def _value_of_complex_key(self, value: Any, indent: int) -> Iterator[str]:
        """A collection starts on the line of the colon, padded to its own indentation."""
        if not isinstance(value, dict | list) or not value:
            yield from self.node(value, indent, in_sequence=False)
            return
        deeper = self._deeper(indent, in_sequence=False)
        yield " " * (deeper - indent - 1)
        if isinstance(value, dict):
            yield from self._mapping(value, deeper, inline=True)
        else:
            yield from self._sequence(value, deeper, inline=True)

    def _sequence(self, value: list[Any], indent: int, *, inline: bool) -> Iterator[str]:
        pad = " " * indent
        first = inline
        if not inline:
            yield "\n"
        for item in value:
            yield "" if first else pad
            first = False
            is_block = isinstance(item, dict | list) and bool(item)
            yield "- " if is_block else "-"
            yield from self.node(item, indent, in_sequence=True)

    def _key(self, key: Any, indent: int) -> tuple[str, bool]:
        if isinstance(key, TypedKey):
            return self._scalar(key.value, indent), True
        shape = analyse(key)
        if shape.multiline or len(key.encode("utf-8", "surrogateescape")) > _MAX_SIMPLE_KEY:
            return self._scalar(key, self._deeper(indent, False)), False
        return text_scalar(key, indent, as_key=True), True

    @staticmethod
    def _scalar(value: Any, indent: int) -> str:
        if isinstance(value, str):
            return text_scalar(value, indent)
        return plain_scalar(value)


def plain_scalar(value: Any) -> str:
    """Return the text of a value that is no text and no non-empty collection."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return yaml_float(value)
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    return str(int(value))


def yaml_float(value: float) -> str:
    """Return a float as YAML text (spec/data.md 7.3); special values in YAML's spelling."""
    return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(text := format_v(value), text)


def rfc3339(moment: datetime) -> str:
    """Return an instant as Go's RFC 3339 with as many fraction digits as needed."""
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    offset = moment.strftime("%z")
    zone = "Z" if offset in ("", "+0000") else f"{offset[:3]}:{offset[3:]}"
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + zone


def text_scalar(text: str, indent: int, *, as_key: bool = False) -> str:
    """Return a text in the style the Go emitter chooses. indent: column of the lines of a literal block."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return f"!!binary {base64.b64encode(data).decode()}"
    shape = analyse(text)
    if "\n" in text:
        if shape.literal_ok and not as_key:
            return _literal(text, indent)
        return _double_quoted(text)
    if not _reads_back_as_text(text):
        return _double_quoted(text)
    if shape.plain_ok and (text or not as_key) and not (shape.multiline and as_key):
        return text
    if shape.single_ok and not (shape.multiline and as_key):
        return _single_quoted(text)
    return _double_quoted(text)


def _reads_back_as_text(text: str) -> bool:
    is_text = isinstance(resolve_plain(text, Dialect.YAML_V3), str)
    return is_text and text not in _OLD_BOOLEANS and not _BASE_60.fullmatch(text)


def analyse(text: str) -> _Shape:
    """Return which styles can hold a text."""
    if not text:
        return _Shape(False, True, True, False)
    spaces = [position for position, char in enumerate(text) if char == " "]
    breaks = [position for position, char in enumerate(text) if char in _BREAKS]
    last = len(text) - 1
    special = any(not _is_printable(char) and char != "\t" for char in text)
    break_space = any(position and text[position - 1] in _BREAKS for position in spaces)
    space_break = any(position and text[position - 1] == " " for position in breaks)
    edge_space = text[0] == " " or text[last] == " "
    edge_break = text[0] in _BREAKS or text[last] in _BREAKS
    hard = space_break or special or "\t" in text
    return _Shape(
        multiline=bool(breaks),
        plain_ok=not (edge_space or edge_break or break_space or hard or breaks or _has_block_indicator(text)),
        single_ok=not (break_space or hard),
        literal_ok=not (text[last] == " " or space_break or special),
    )


def _has_block_indicator(text: str) -> bool:
    first = text[0]
    if text[:3] in ("---", "...") or first in "#,[]{}&*!|>'\"%@`":
        return True
    if first in "?:-" and (len(text) == 1 or text[1] in " \t" or text[1] in _BREAKS):
        return True
    for position in range(1, len(text)):
        char = text[position]
        following = text[position + 1] if position + 1 < len(text) else " "
        if char == ":" and (following in " \t" or following in _BREAKS):
            return True
        if char == "#" and (text[position - 1] in " \t\0" or text[position - 1] in _BREAKS):
            return True
    return False


def _is_printable(char: str) -> bool:
    code = ord(char)
    if code < 0x7F:
        return code == 0x0A or code >= 0x20
    return 0xA0 <= code <= 0xFFFD and code != 0xFEFF and not 0xD800 <= code <= 0xDFFF


def _literal(text: str, indent: int) -> str:
    hint = str(_INDENT) if text[0] == " " or text[0] in _BREAKS else ""
    if text[-1] not in _BREAKS:
        chomp = "-"
    elif len(text) == 1 or text[-2] in _BREAKS:
        chomp = "+"
    else:
        chomp = ""
    pad = " " * indent
    shown = text[1:] if text[0] == "\n" and text != "\n" else text  # the emitter spends a leading break on its own line end
    body = "".join("\n" + (pad + line if line else "") for line in shown.removesuffix("\n").split("\n"))
    return f"|{hint}{chomp}{body if text != chr(10) else ''}"


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _double_quoted(text: str) -> str:
    if text.startswith("\ufeff"):  # the emitter tests the first character at every step
        return '"' + "".join(_ESCAPES.get(char) or _hex(char) for char in text) + '"'
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if _is_printable(char) else _hex(char)


def _hex(char: str) -> str:
    code = ord(char)
    if code == 0xA0:
        return "\\_"
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def sorted_keys(mapping: dict[Any, Any]) -> list[Any]:
    """Return the keys in yaml.v3's natural order: numbers before texts, digit runs by value, letters last."""
    return sorted(mapping, key=cmp_to_key(_compare_keys))


def _compare_keys(left: Any, right: Any) -> int:
    if isinstance(left, str) and isinstance(right, str):
        return -1 if _text_less(left, right) else (1 if _text_less(right, left) else 0)
    left_rank, right_rank = _rank(left), _rank(right)
    return (left_rank > right_rank) - (left_rank < right_rank)


def _rank(key: Any) -> tuple[int, float]:
    """Order of kinds as in Go's reflect numbering; booleans and numbers compare as floats."""
    if isinstance(key, str):
        return 3, 0.0
    value = key.value
    if value is None:
        return 0, 0.0
    if isinstance(value, bool | int | float):
        return 1, float(value)
    return 4, value.timestamp()


def _text_less(left: str, right: str) -> bool:
    digits = False
    for position in range(min(len(left), len(right))):
        a, b = left[position], right[position]
        if a == b:
            digits = unicodedata.category(a) == "Nd"
            continue
        a_letter, b_letter = a.isalpha(), b.isalpha()
        if a_letter and b_letter:
            return a < b
        if a_letter or b_letter:
            return a_letter if digits else b_letter
        return _digits_less(left, right, position)
    return len(left) < len(right)


def _digits_less(left: str, right: str, position: int) -> bool:
    start = position
    lead = 0
    if "0" in (left[position], right[position]):
        while start > 0 and _is_digit(left[start - 1]):
            start -= 1
            if left[start] != "0":
                lead = 1
                break
    left_run, right_run = _digit_run(left, position), _digit_run(right, position)
    left_number, right_number = _number(lead, left_run), _number(lead, right_run)
    if left_number != right_number:
        return left_number < right_number
    if len(left_run) != len(right_run):
        return len(left_run) < len(right_run)
    return left[position] < right[position]


def _number(lead: int, run: str) -> int:
    """Return the value of a run of digits as Go computes it: in 64 bits, which wrap around."""
    number = lead
    for char in run:
        number = (number * 10 + ord(char) - 0x30 + _INT64) % (2 * _INT64) - _INT64
    return number


def _digit_run(text: str, position: int) -> str:
    end = position
    while end < len(text) and _is_digit(text[end]):
        end += 1
    return text[position:end]


def _is_digit(char: str) -> bool:
    return unicodedata.category(char) == "Nd"
