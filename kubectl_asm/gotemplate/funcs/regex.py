"""Regular expression functions over RE2. Argument order is pattern, text, replacement.

``must...`` and the plain name both end in an execution error for a bad pattern, with different texts; only ``regexMatch`` is
false instead. Called through the table in ``funcs/__init__.py``. Source: spec/templates.md section 6.4; Go regexp.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubectl_asm.gotemplate.funcs.signature import Environment, Function, FunctionError
from kubectl_asm.gotemplate.goregex import GoRegex, RegexError, compile_regex, quote_meta
from kubectl_asm.gotemplate.quoting import can_backquote, quote
from kubectl_asm.gotemplate.values import GoList, raw

GROUP = "regex"
BYTES_PER_ITEM: Final = 64
"""What the budget counts for one member of a list."""

_BYTES_PER_STEP: Final = 64
_BYTES_PER_STEP_OF_MANY: Final = 4
"""Every byte may be a match of its own, and each match costs far more than a byte."""

Compile = Callable[[str], GoRegex]


def _go_literal(text: str) -> str:
    """Return the text between back quotes when Go can write it so, else double-quoted."""
    return f"`{text}`" if can_backquote(text) else quote(text)


def _must_compile(pattern: str) -> GoRegex:
    """Compile; raise the error that ``must...`` functions report."""
    try:
        return compile_regex(pattern)
    except RegexError as error:
        raise FunctionError(str(error)) from error


def _compile(pattern: str) -> GoRegex:
    """Compile; raise the text of the panic that the other functions end in."""
    try:
        return compile_regex(pattern)
    except RegexError as error:
        raise FunctionError(f"regexp: Compile({_go_literal(pattern)}): {error}") from error


def _charge(env: Environment, text: str, per_step: int = _BYTES_PER_STEP) -> None:
    """Charge the time that a linear scan of the text takes."""
    env.budget.step(len(text) // per_step + 1)


def regex_match(env: Environment, pattern: str, text: str) -> bool:
    """Whether the pattern matches; false for a bad pattern."""
    _charge(env, text)
    try:
        return compile_regex(pattern).matches(text)
    except RegexError:
        return False


def must_regex_match(env: Environment, pattern: str, text: str) -> bool:
    """Whether the pattern matches. Raises: FunctionError for a bad pattern."""
    _charge(env, text)
    return _must_compile(pattern).matches(text)


def _at_most(env: Environment, limit: int) -> int:
    """Return the limit, or a positive one that already exceeds the budget when it is none or larger."""
    too_many = env.budget.limits.value_bytes // BYTES_PER_ITEM + 1
    return limit if 0 <= limit < too_many else too_many


def _texts(env: Environment, found: list[str] | None) -> GoList:
    env.budget.items(len(found or ()))
    return GoList(found or (), "string", is_nil=found is None)


def _find(compile_pattern: Compile) -> Callable[[Environment, str, str], str]:
    def find(env: Environment, pattern: str, text: str) -> str:
        _charge(env, text)
        return compile_pattern(pattern).find(text) or ""

    return find


def _find_all(compile_pattern: Compile) -> Callable[[Environment, str, str, int], GoList]:
    def find_all(env: Environment, pattern: str, text: str, limit: int) -> GoList:
        _charge(env, text, _BYTES_PER_STEP_OF_MANY)
        return _texts(env, compile_pattern(pattern).find_all(text, _at_most(env, limit)))

    return find_all


def _split(compile_pattern: Compile) -> Callable[[Environment, str, str, int], GoList]:
    def split(env: Environment, pattern: str, text: str, limit: int) -> GoList:
        _charge(env, text, _BYTES_PER_STEP_OF_MANY)
        return _texts(env, compile_pattern(pattern).split(text, _at_most(env, limit)))

    return split


def _announce_replacement(env: Environment, regex: GoRegex, text: str, replacement: str) -> None:
    """Ask the budget for the largest possible result; the matches are counted only when a crude bound is too large."""
    data, template = raw(text), raw(replacement)
    growth = template.count(b"$") * len(data)
    matches = len(data) + 1
    if len(data) + growth + matches * len(template) > env.budget.limits.value_bytes:
        most = _at_most(env, -1)
        counted = len(regex.find_all(text, most) or ())
        matches = counted if counted < most else matches
    env.budget.value(len(data) + growth + matches * len(template))


def replace_all(env: Environment, regex: GoRegex, text: str, replacement: str, *, literal: bool = False) -> str:
    """Return the text with every match replaced; ``$1 ${name}`` are expanded unless literal."""
    _charge(env, text, _BYTES_PER_STEP_OF_MANY)
    _announce_replacement(env, regex, text, replacement)
    return regex.replace_all_literal(text, replacement) if literal else regex.replace_all(text, replacement)


def _replace(compile_pattern: Compile, *, literal: bool) -> Callable[[Environment, str, str, str], str]:
    def replace(env: Environment, pattern: str, text: str, replacement: str) -> str:
        return replace_all(env, compile_pattern(pattern), text, replacement, literal=literal)

    return replace


def _pair(
    name: str, make: Callable[[Compile], Callable[..., object]], params: tuple[str, ...], result: str, summary: str
) -> tuple[Function, Function]:
    must = f"must{name[0].upper()}{name[1:]}"
    return (
        Function(name, GROUP, make(_compile), params, result, needs_env=True, summary=summary),
        Function(
            must, GROUP, make(_must_compile), params, result, needs_env=True, summary=f"Like {name}, with another error text."
        ),
    )


_TWO: Final = ("string", "string")
_THREE: Final = ("string", "string", "string")
_COUNTED: Final = ("string", "string", "int")

FUNCTIONS: tuple[Function, ...] = (
    Function(
        "regexMatch", GROUP, regex_match, _TWO, "bool", needs_env=True, summary="Whether a pattern matches; false when it is bad."
    ),
    Function("mustRegexMatch", GROUP, must_regex_match, _TWO, "bool", needs_env=True, summary="Whether a pattern matches."),
    *_pair("regexFind", _find, _TWO, "string", "First match, empty when there is none."),
    *_pair("regexFindAll", _find_all, _COUNTED, "[]string", "At most so many matches, all for a negative count."),
    *_pair("regexSplit", _split, _COUNTED, "[]string", "Pieces between matches, at most so many."),
    *_pair(
        "regexReplaceAll", lambda how: _replace(how, literal=False), _THREE, "string", "Every match replaced, groups expanded."
    ),
    *_pair(
        "regexReplaceAllLiteral", lambda how: _replace(how, literal=True), _THREE, "string", "Every match replaced as written."
    ),
    Function("regexQuoteMeta", GROUP, quote_meta, ("string",), summary="Pattern that matches the text itself."),
)
