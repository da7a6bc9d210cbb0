"""Functions that tell a value's Go type and kind, and compare deeply.

Called through the table in ``funcs/__init__.py``. Source: spec/templates.md section 3.2.
"""

from __future__ import annotations

from kubectl_asm.gotemplate.funcs.equality import deep_equal
from kubectl_asm.gotemplate.funcs.signature import Function
from kubectl_asm.gotemplate.values import ANY, kind_of, type_of

GROUP = "reflection"


def type_name(value: object) -> str:
    """Return the Go type, ``<nil>`` for nil."""
    return type_of(value)


def type_is(name: str, value: object) -> bool:
    """Whether the value's Go type has this name."""
    return type_of(value) == name


def type_is_like(name: str, value: object) -> bool:
    """Whether the value's Go type has this name or is a pointer to it."""
    return type_of(value) in (name, "*" + name)


def kind_name(value: object) -> str:
    """Return the Go kind, ``invalid`` for nil."""
    return kind_of(value)


def kind_is(name: str, value: object) -> bool:
    """Whether the value's Go kind has this name."""
    return kind_of(value) == name


FUNCTIONS: tuple[Function, ...] = (
    Function("deepEqual", GROUP, deep_equal, (ANY, ANY), "bool", summary="Whether two values have equal types and contents."),
    Function("kindIs", GROUP, kind_is, ("string", ANY), "bool", summary="Whether a value is of a Go kind."),
    Function("kindOf", GROUP, kind_name, (ANY,), summary="Go kind of a value."),
    Function("typeIs", GROUP, type_is, ("string", ANY), "bool", summary="Whether a value is of a Go type."),
    Function(
        "typeIsLike", GROUP, type_is_like, ("string", ANY), "bool", summary="Whether a value is of a Go type or a pointer to it."
    ),
    Function("typeOf", GROUP, type_name, (ANY,), summary="Go type of a value."),
)
