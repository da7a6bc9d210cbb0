"""Where in a template a syntax error is: the guilty token, not the place at which the parser gave up. Pure.

Source: lint corpus README section 3 (place of the guilty token: template syntax).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from kubectl_asm.gotemplate.errors import TemplateSyntaxError
from kubectl_asm.gotemplate.lexer import Kind, Token, tokenize

_BLOCKS: Final = ("if", "with", "range", "define", "block")
_STRAY = re.compile(r"unexpected \{\{(end|else|break|continue)|expected end; found \{\{(else|end)")
_OUTSIDE = re.compile(r"\{\{(break|continue)\}\} outside")
_MISSING_VALUE = re.compile(r"missing value for (\w+)")
_STAGE = re.compile(r"non executable command in pipeline stage")
_BAD_CHARACTER = re.compile(r"bad character U\+([0-9A-F]{4,6})")
_DEFINED_TWICE = re.compile(r"multiple definition of template (.*)", re.DOTALL)
_CONSTANTS: Final = frozenset(
    {Kind.BOOL, Kind.DOT, Kind.NIL, Kind.NUMBER, Kind.COMPLEX, Kind.CHAR_CONSTANT, Kind.STRING, Kind.RAW_STRING}
)


def syntax_place(text: str, error: TemplateSyntaxError) -> tuple[int, int]:
    """Return (offset, length) in characters of what an error is about."""
    tokens = tokenize(text)
    message = error.message
    if message == "unexpected EOF":
        return _unclosed_block(tokens), 2
    if tokens[-1][0] == Kind.ERROR and tokens[-1][2] in message and "action" in message.partition(" in ")[0]:
        return _opening(tokens, tokens[-1][1]), 2
    if message.startswith("unclosed comment"):
        return max(text.rfind("{{", 0, tokens[-1][1] + 1), 0), 2
    if "unterminated" in message:
        return _unterminated(text, tokens), 1
    stop = _stop(text, error, tokens)
    if match := _STRAY.search(message) or _OUTSIDE.search(message):
        return _before(tokens, stop, next(filter(None, match.groups())), text)
    if match := _MISSING_VALUE.search(message):
        return _before(tokens, stop, match[1], text)
    if _STAGE.search(message):
        return _stage_constant(tokens, stop)
    if match := _BAD_CHARACTER.search(message):
        at = text.find(chr(int(match[1], 16)), stop)
        return (at if at >= 0 else stop), 1
    if "unclosed left paren" in message:
        return _open_paren(tokens, stop), 1
    if match := _DEFINED_TWICE.search(message):
        return _last_definition(tokens, match[1])
    found = next((token for token in tokens if token[1] == stop), None)
    return stop, len(found[2]) if found is not None and found[0] not in (Kind.ERROR, Kind.EOF, Kind.TEXT) else 1


def _stop(text: str, error: TemplateSyntaxError, tokens: Sequence[Token]) -> int:
    """Return the offset at which the parser stopped; the last token of the error's line when it has no column."""
    lines = text.split("\n")
    line = min(max(error.line, 1), len(lines))
    start = sum(len(one) + 1 for one in lines[: line - 1])
    if error.column >= 0:
        raw = lines[line - 1].encode("utf-8", "surrogateescape")[: error.column]
        return start + len(raw.decode("utf-8", "replace"))
    end = start + len(lines[line - 1])
    here = [token[1] for token in tokens if start <= token[1] <= end]
    return here[-1] if here else start


def _opening(tokens: Sequence[Token], stop: int) -> int:
    """Return the offset of the last ``{{`` before a place."""
    return next((token[1] for token in reversed(tokens) if token[0] == Kind.LEFT and token[1] <= stop), stop)


def _open_paren(tokens: Sequence[Token], stop: int) -> int:
    """Return the offset of the innermost parenthesis that is open at a place."""
    opened: list[int] = []
    for kind, pos, _value in tokens:
        if pos > stop:
            break
        if kind == Kind.LEFT_PAREN:
            opened.append(pos)
        elif kind == Kind.RIGHT_PAREN and opened:
            opened.pop()
    return opened[-1] if opened else stop


def _last_definition(tokens: Sequence[Token], name: str) -> tuple[int, int]:
    """Return the place of the name of the last definition of that name, quoted as in the error."""
    found = (tokens[-1][1], 0)
    for word, token in pairwise(tokens):
        if word[0] == Kind.KEYWORD and word[2] in ("define", "block") and token[2].strip('`"') == name.strip('"'):
            found = token[1], len(token[2])
    return found


def _unclosed_block(tokens: Sequence[Token]) -> int:
    """Return the offset of the ``{{`` of the innermost block without an end."""
    open_blocks: list[int] = []
    for left, token in pairwise(tokens):
        if left[0] != Kind.LEFT or token[0] != Kind.KEYWORD:
            continue
        if token[2] in _BLOCKS:
            open_blocks.append(left[1])
        elif token[2] == "end" and open_blocks:
            open_blocks.pop()
    return open_blocks[-1] if open_blocks else tokens[-1][1]


def _unterminated(text: str, tokens: Sequence[Token]) -> int:
    """Return the offset of the quote that is never closed."""
    start = tokens[-2][1] + len(tokens[-2][2]) if len(tokens) > 1 else 0
    at = min(start, tokens[-1][1])
    while at < len(text) and text[at] not in "\"'`":
        at += 1
    return at if at < len(text) else tokens[-1][1]


def _before(tokens: Sequence[Token], stop: int, word: str, text: str) -> tuple[int, int]:
    """Return the place of the last keyword or operand of that name at or before a place."""
    for kind, pos, value in reversed(tokens):
        if pos <= stop and value == word and kind in (Kind.KEYWORD, Kind.IDENTIFIER):
            return pos, len(word)
    if word == "command":
        return _opening(tokens, stop), 2
    return stop, min(1, len(text) - stop)


def _stage_constant(tokens: Sequence[Token], stop: int) -> tuple[int, int]:
    """Return the place of the constant that stands where a function must."""
    found: tuple[int, int] | None = None
    for pipe, token in pairwise(tokens):
        if token[1] > stop:
            break
        if pipe[0] == Kind.PIPE and token[0] in _CONSTANTS:
            found = token[1], len(token[2])
    return found or (stop, 1)
