"""Functions about values that are not set, and the choice between two values.

Called through the table in ``funcs/__init__.py``. Source: spec/templates.md sections 3.2 and 6.4.
"""

from __future__ import annotations

from kubectl_asm.gotemplate.funcs.coercion import is_empty
from kubectl_asm.gotemplate.funcs.signature import Function
from kubectl_asm.gotemplate.values import ANY

GROUP = "defaults"


def default(fallback: object, *given: object) -> object:
    """Return the given value, or fallback when it is empty or absent."""
    return given[0] if given and not is_empty(given[0]) else fallback


def empty(value: object) -> bool:
    """Whether the value is nil, zero, false, or of length 0."""
    return is_empty(value)


def coalesce(*values: object) -> object:
    """Return the first value that is not empty, nil when there is none."""
    return next((value for value in values if not is_empty(value)), None)


def all_set(*values: object) -> bool:
    """Whether no value is empty; true without values."""
    return not any(map(is_empty, values))


def any_set(*values: object) -> bool:
    """Whether some value is not empty; false without values."""
    return not all(map(is_empty, values))


def ternary(when_true: object, when_false: object, condition: bool) -> object:
    """Return one of two values by a bool."""
    return when_true if condition else when_false


FUNCTIONS: tuple[Function, ...] = (
    Function("all", GROUP, all_set, (ANY,), "bool", variadic=True, summary="Whether no value is empty."),
    Function("any", GROUP, any_set, (ANY,), "bool", variadic=True, summary="Whether some value is not empty."),
    Function("coalesce", GROUP, coalesce, (ANY,), ANY, variadic=True, summary="First value that is not empty."),
    Function("default", GROUP, default, (ANY, ANY), ANY, variadic=True, summary="Second value, or the first when it is empty."),
    Function("empty", GROUP, empty, (ANY,), "bool", summary="Whether a value is nil, zero, false or of length 0."),
    Function("ternary", GROUP, ternary, (ANY, ANY, "bool"), ANY, summary="First value when the last is true, else the second."),
)
