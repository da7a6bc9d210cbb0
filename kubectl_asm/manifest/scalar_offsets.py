"""From a character of a scalar's value back to the character of the file that wrote it.

Every YAML style has its own way of hiding text: indentation, folding, doubled quotes, escapes. The functions here walk
the source beside the value, so that a place inside a template or expression is a place in the file.
Source: YAML 1.2 sections 7.3 and 8.1; lint corpus README section 3.
"""

from __future__ import annotations

import re
from typing import Final

from yaml.nodes import ScalarNode

_BLANKS: Final = " \t"
_ESCAPE_LENGTHS: Final = {"x": 4, "u": 6, "U": 10}
_LOW_SURROGATE = re.compile(r"\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_HIGH_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")


def source_offsets(text: str, begin: int, node: ScalarNode) -> list[int]:
    """Return the offset in text of every character of a scalar's value, and one more for its end.

    begin: where the scalar's own text starts: its quote, its block indicator or its first character.
    """
    if node.style in ("|", ">"):
        offsets = _block(text, begin, node)
    elif node.style == '"':
        offsets = _double(text, begin + 1, node.end_mark.index - 1)
    elif node.style == "'":
        offsets = _flow(text, begin + 1, node.end_mark.index - 1, is_single=True)
    else:
        offsets = _flow(text, begin, node.end_mark.index, is_single=False)
    return [*offsets, offsets[-1] + 1 if offsets else begin]


# -- block scalars


def _block(text: str, begin: int, node: ScalarNode) -> list[int]:
    """Map each line of the source to its place in the value; what lies between two lines are folded line breaks."""
    value: str = node.value
    offsets: list[int] = []
    first, lines = _block_lines(text, begin, node)
    if node.style == "|":
        for start, content in lines:
            offsets.extend(range(start, start + len(content) + 1))
        return offsets[: len(value)]
    gap = 0
    previous_end = first
    for start, content in lines:
        if not content:
            gap += 1
            continue
        offsets.extend([previous_end] * _folded_gap(value, len(offsets), gap, content))
        offsets.extend(range(start, start + len(content)))
        previous_end, gap = start + len(content), 0
    offsets.extend([previous_end] * (len(value) - len(offsets)))
    return offsets[: len(value)]


def _folded_gap(value: str, position: int, blank_lines: int, content: str) -> int:
    """Return how many characters of the value stand for the line breaks before a line."""
    for length in (blank_lines, blank_lines + 1):
        if not value[position : position + length].strip(" \n") and value.startswith(content, position + length):
            return length
    return blank_lines if position == 0 else max(blank_lines, 1)


def _block_lines(text: str, begin: int, node: ScalarNode) -> tuple[int, list[tuple[int, str]]]:
    """Return (start of the content, [(offset, text without indentation)]) of a block scalar."""
    header_end = text.find("\n", begin)
    if header_end < 0:
        return len(text), []
    end = max(node.end_mark.index, header_end + 1)
    raw: list[tuple[int, str]] = []
    start = header_end + 1
    while start < end or (start < len(text) and not raw):
        stop = text.find("\n", start)
        stop = len(text) if stop < 0 else stop
        raw.append((start, text[start:stop].removesuffix("\r")))
        start = stop + 1
    indent = _indentation(text[begin:header_end], raw, node)
    return header_end + 1, [
        (offset + indent, line[indent:]) if len(line) > indent else (offset + len(line), "") for offset, line in raw
    ]


def _indentation(header: str, raw: list[tuple[int, str]], node: ScalarNode) -> int:
    """Return the indentation of the content: that of the first line with text, less what the value itself starts with."""
    first = next((line for _, line in raw if line.strip(" ")), "")
    indent = len(first) - len(first.lstrip(" "))
    if any(char.isdigit() for char in header.partition("#")[0]):
        value = node.value.lstrip("\n")
        indent -= len(value) - len(value.lstrip(" "))
    return max(indent, 0)


# -- flow scalars


def _flow(text: str, start: int, end: int, *, is_single: bool) -> list[int]:
    """Map plain and single-quoted text: lines are folded, a doubled quote is one character."""
    offsets: list[int] = []
    index = start
    while index < end:
        if text[index] in "\r\n":
            index = _fold(text, index, end, offsets, floor=0)
            continue
        offsets.append(index)
        index += 2 if is_single and text.startswith("''", index) else 1
    return offsets


def _double(text: str, start: int, end: int) -> list[int]:
    """Map double-quoted text: escapes are one character, an escaped line break is none."""
    offsets: list[int] = []
    index = start
    floor = 0  # blanks before it are kept: they were escaped or stand before an escaped line break
    while index < end:
        char = text[index]
        if char in "\r\n":
            index = _fold(text, index, end, offsets, floor=floor)
        elif char != "\\":
            offsets.append(index)
            index += 1
        elif text[index + 1 : index + 2] in ("\n", "\r"):
            floor = len(offsets)
            breaks, index = _skip_breaks(text, index + 1, end)
            offsets.extend([index - 1] * (breaks - 1))
        else:
            offsets.append(index)
            index += _escape_length(text, index)
            floor = len(offsets)
    return offsets


def _fold(text: str, index: int, end: int, offsets: list[int], *, floor: int) -> int:
    """Replace blanks, line breaks and indentation by one blank or the surplus line breaks; return where text goes on."""
    while len(offsets) > floor and text[offsets[-1]] in _BLANKS:
        offsets.pop()
    breaks, following = _skip_breaks(text, index, end)
    offsets.extend([index] * max(breaks - 1, 1))
    return following


def _skip_breaks(text: str, index: int, end: int) -> tuple[int, int]:
    """Return the number of line breaks from index on and the offset of the text behind them."""
    breaks = 0
    while index < end and text[index] in " \t\r\n":
        breaks += text[index] == "\n"
        index += 1
    return max(breaks, 1), index


def _escape_length(text: str, index: int) -> int:
    if _HIGH_SURROGATE.match(text, index) and _LOW_SURROGATE.match(text, index + 6):
        return 12
    return _ESCAPE_LENGTHS.get(text[index + 1 : index + 2], 2)
