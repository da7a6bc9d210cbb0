"""JMESPath as the controller evaluates it: the specification's grammar with go-jmespath's corners.

Source: spec/data.md 4.2.
"""

from __future__ import annotations

import functools
import json
import math
import re
from typing import Any, Final, NoReturn

import jmespath
from jmespath import exceptions, functions
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from kubectl_asm.gotemplate import gojson
from kubectl_asm.manifest.nodes import TypedKey

MAX_STEPS: Final = 500_000
MAX_WEIGHT: Final = 1_000_000
_CHARACTERS_A_NODE: Final = 64
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


class DocumentInteger:
    """An integer of the document that the library does not accept as a number (profile 0.6.7)."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DocumentInteger) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)


class OpaqueMap:
    """A mapping with keys that are no texts: it can be carried along but not addressed or rendered."""

    __slots__ = ()


class PathBudgetError(Exception):
    """The expression would cost more than any real one; the text names the limit and no value."""


class PathSyntaxError(Exception):
    """The expression does not parse. position: 0-based offset of the offending character, in characters."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def prepare(value: Any, *, integers_are_numbers: bool) -> Any:
    """Return a document as the evaluator sees it. Pure."""
    if isinstance(value, dict):
        if any(isinstance(key, TypedKey) for key in value):
            return OpaqueMap()
        return {key: prepare(member, integers_are_numbers=integers_are_numbers) for key, member in value.items()}
    if isinstance(value, list):
        return [prepare(item, integers_are_numbers=integers_are_numbers) for item in value]
    if type(value) is int and not integers_are_numbers:
        return DocumentInteger(value)
    return value


def restore(value: Any) -> Any:
    """Return a result with document integers as plain integers again, and without halves of characters."""
    if isinstance(value, str):
        return value if value.isascii() else _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, DocumentInteger):
        return value.value
    if isinstance(value, dict):
        return {key: restore(member) for key, member in value.items()}
    if isinstance(value, list):
        return [restore(item) for item in value]
    return value


@functools.lru_cache(maxsize=4096)
def compile_path(path: str) -> ParsedResult:
    """Return the compiled expression. Raises PathSyntaxError."""
    try:
        return jmespath.compile(path)
    except exceptions.JMESPathError as error:
        position = getattr(error, "lex_position", None)
        raise PathSyntaxError(str(error).partition("\n")[0], position if isinstance(position, int) else 0) from None
    except (ValueError, RecursionError) as error:
        raise PathSyntaxError(str(error) or "nested too deeply", 0) from None


def evaluate(path: str, document: Any) -> Any:
    """Return the result for a prepared document; None when the path fails at run time or finds nothing.

    Raises PathSyntaxError, PathBudgetError.
    """
    compiled = compile_path(path)
    try:
        return restore(_GoInterpreter(_OPTIONS).visit(compiled.parsed, document))
    except RecursionError:
        raise PathBudgetError("the expression or the document is nested too deeply") from None
    except (exceptions.JMESPathError, TypeError, ValueError, AttributeError, ArithmeticError):
        return None  # the library raises bare errors for mixed types; the Go one answers null or skips


class _GoFunctions(functions.Functions):
    """The functions whose results differ between the two libraries."""

    @functions.signature({"types": []})
    def _func_to_string(self, arg: Any) -> Any:
        return arg if isinstance(arg, str) else gojson.dumps(restore(arg))

    @functions.signature({"types": []})
    def _func_to_number(self, arg: Any) -> Any:
        if isinstance(arg, str):
            return json.loads(arg) if _NUMBER.fullmatch(arg) and arg.lstrip("-")[:1].isdigit() else None
        return arg if isinstance(arg, int | float) and not isinstance(arg, bool) else None

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str):
            return isinstance(search, str) and search in subject
        return any(item == search and isinstance(item, bool) is isinstance(search, bool) for item in subject)

    @functions.signature({"types": ["number"]})
    def _func_ceil(self, arg: Any) -> Any:
        return _rounded(arg, math.ceil)

    @functions.signature({"types": ["number"]})
    def _func_floor(self, arg: Any) -> Any:
        return _rounded(arg, math.floor)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        if len(separator) * len(array) > MAX_WEIGHT * _CHARACTERS_A_NODE:
            _too_large()
        return separator.join(array)


def _rounded(number: int | float, rounding: Any) -> int | float:
    """Round as Go does: a float stays a float, so 1e20 is printed as a float."""
    if isinstance(number, int) or not math.isfinite(number):
        return number
    return math.copysign(float(rounding(number)), number)


def _too_large() -> NoReturn:
    raise PathBudgetError(f"the result of the expression holds more than {MAX_WEIGHT:,} values")


class _GoInterpreter(TreeInterpreter):
    """Orders numbers only: texts compared with < or > give null.

    Results may share members ([@, @] doubles at every pipe), so every container is weighed by what it expands to.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._steps = MAX_STEPS
        self._weights: dict[int, tuple[Any, int]] = {}  # by identity; the container is kept so that its id stays its own

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Visit one node of the expression; raises PathBudgetError."""
        self._steps -= 1
        if self._steps < 0:
            raise PathBudgetError(f"the expression takes more than {MAX_STEPS:,} steps")
        result = super().visit(node, *args, **kwargs)
        if self._weight(result) > MAX_WEIGHT:
            _too_large()
        return result

    def _weight(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value) // _CHARACTERS_A_NODE
        if not isinstance(value, list | dict):
            return 1
        known = self._weights.get(id(value))
        if known is None:
            members = value.values() if isinstance(value, dict) else value
            known = self._weights[id(value)] = (value, 1 + sum(map(self._weight, members)))
        return known[1]

    def visit_comparator(self, node: Any, value: Any) -> Any:
        """Visit one comparison."""
        if node["value"] not in ("eq", "ne"):
            left, right = (self.visit(child, value) for child in node["children"])
            if isinstance(left, str) or isinstance(right, str):
                return None
        return super().visit_comparator(node, value)


_OPTIONS: Final = Options(custom_functions=_GoFunctions())
