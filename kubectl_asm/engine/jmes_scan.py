"""What is wrong with a JMESPath expression, with its place: syntax, unknown functions, numbers of arguments. Pure.

Source: spec/data.md 4.2; the function table of the JMESPath specification, which go-jmespath implements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from jmespath.lexer import Lexer

from kubectl_asm.engine.jmes import PathSyntaxError, compile_path

_ANY: Final = 1_000
_ARGUMENTS: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(
        """
        abs avg ceil floor keys length max min reverse sort sum to_array to_number to_string type values
        """.split(),  # noqa: SIM905  # a list of words is read as words
        (1, 1),
    ),
    **dict.fromkeys(("contains", "ends_with", "join", "map", "max_by", "min_by", "sort_by", "starts_with"), (2, 2)),
    "merge": (1, _ANY),
    "not_null": (1, _ANY),
}
FUNCTIONS: Final = tuple(_ARGUMENTS)
_OPENING: Final = frozenset({"lparen", "lbracket", "lbrace", "filter", "flatten_open"})
_CLOSING: Final = frozenset({"rparen", "rbracket", "rbrace"})


class PathIssue(msgspec.Struct, frozen=True):
    """One problem. offset, length: characters inside the expression; name: of the function it is about."""

    message: str
    offset: int
    length: int = 0
    name: str = ""


@lru_cache(maxsize=4096)
def path_issues(path: str) -> tuple[PathIssue, ...]:
    """Return what is wrong with an expression: its first syntax error, or every bad call."""
    try:
        compile_path(path)
    except PathSyntaxError as error:
        return (PathIssue(_short(str(error)), min(error.position, len(path))),)
    return tuple(_bad_calls([dict(token) for token in Lexer().tokenize(path)]))


def is_plain_member(path: str) -> bool:
    """Return whether an expression is one unquoted member name."""
    return path.isascii() and path.isidentifier()


def _short(text: str) -> str:
    return text.partition(", for expression")[0].rstrip(":")


def _bad_calls(tokens: Sequence[dict[str, Any]]) -> Iterator[PathIssue]:
    for at, token in enumerate(tokens[:-1]):
        if token["type"] != "unquoted_identifier" or tokens[at + 1]["type"] != "lparen":
            continue
        name = token["value"]
        if name not in _ARGUMENTS:
            yield PathIssue(f'there is no function "{name[:64]}"', token["start"], len(name), name)
            continue
        least, most = _ARGUMENTS[name]
        given = _arguments(tokens, at + 2)
        if not least <= given <= most:
            wanted = f"at least {least}" if most == _ANY else str(least)
            yield PathIssue(f"{name} takes {wanted} argument{'s' * (least > 1)}, not {given}", token["start"], len(name), name)


def _arguments(tokens: Sequence[dict[str, Any]], start: int) -> int:
    """Return the number of arguments of the call whose list starts at a token."""
    depth, commas, is_empty = 0, 0, True
    for token in tokens[start:]:
        kind = token["type"]
        if kind == "rparen" and depth == 0:
            break
        depth += (kind in _OPENING) - (kind in _CLOSING)
        is_empty = is_empty and kind == "comma"
        commas += kind == "comma" and depth == 0
    return 0 if is_empty else commas + 1
