"""Go's argument checking: what a parameter of a declared type accepts, and the error text when it does not.

The one place where types are compared, for functions and methods alike. Source: spec/templates.md section 3.2 (types).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kubectl_asm.gotemplate.funcs.signature import VALUE
from kubectl_asm.gotemplate.nodes import BoolNode, NilNode, Node, NumberNode, StringNode
from kubectl_asm.gotemplate.times import Duration, Month
from kubectl_asm.gotemplate.values import ANY, MISSING, SIZED, SizedInt, type_of, wrap, zero

if TYPE_CHECKING:
    from kubectl_asm.gotemplate.machine import Machine

Check = Callable[["Machine", object], object]
"""Returns the value as the parameter receives it, or stops the machine."""

_INTEGERS: Final[dict[str, type[SizedInt]]] = {**SIZED, "time.Duration": Duration, "time.Month": Month}


class ConstantError(Exception):
    """A constant that a parameter does not accept; the text is Go's."""


def can_be_nil(go_type: str) -> bool:
    """Whether nil can be given for a parameter of that type."""
    return go_type in (ANY, VALUE) or go_type.startswith(("[]", "map[", "*"))


def nil_for(go_type: str) -> object:
    """Return the value that nil, or nothing, becomes for a parameter that accepts it."""
    if go_type == VALUE:
        return MISSING
    return None if go_type == ANY else zero(go_type)


def _any(_machine: Machine, value: object) -> object:
    return None if value is MISSING else value


def _same(_machine: Machine, value: object) -> object:
    return value


@lru_cache(maxsize=128)
def check_for(go_type: str) -> Check:
    """Return the check of a parameter type."""
    if go_type == ANY:
        return _any
    if go_type == VALUE:
        return _same
    if go_type == "string":
        return _string
    return _typed(go_type)


def _string(machine: Machine, value: object) -> object:
    if isinstance(value, str):
        return value
    return _mismatch(machine, value, "string")


def _typed(go_type: str) -> Check:
    def check(machine: Machine, value: object) -> object:
        if type_of(value) == go_type:
            return value
        return _mismatch(machine, value, go_type)

    return check


def _mismatch(machine: Machine, value: object, go_type: str) -> object:
    """Return what nothing becomes for the type, or stop with Go's text for a value of another type."""
    if value is MISSING:
        if can_be_nil(go_type):
            return zero(go_type)
        machine.fail(f"invalid value; expected {go_type}")
    return machine.fail(f"wrong type for value; expected {go_type}; got {ANY if value is None else type_of(value)}")


def ideal(number: NumberNode) -> object:
    """Return the value of an untyped numeric constant by itself. Raises: ConstantError when it exceeds int."""
    if number.complex_value is not None:
        return number.complex_value
    text = number.text
    is_hex = text[:2] in ("0x", "0X") and not any(mark in text for mark in "pP")
    if number.float_value is not None and not is_hex and text[0] != "'" and any(mark in text for mark in ".eEpP"):
        return number.float_value
    if number.int_value is None:
        raise ConstantError(f"{text} overflows int")
    return number.int_value


def _integer(node: Node, go_type: str) -> object:
    if go_type.startswith("uint"):
        if not isinstance(node, NumberNode) or node.uint_value is None:
            raise ConstantError(f"expected unsigned integer; found {node}")
        cls = SIZED[go_type]
        return cls(wrap(node.uint_value, cls.bits, signed=False))
    if not isinstance(node, NumberNode) or node.int_value is None:
        raise ConstantError(f"expected integer; found {node}")
    sized = _INTEGERS.get(go_type)
    return node.int_value if sized is None else sized(wrap(node.int_value, sized.bits))


def constant_for(node: Node, go_type: str) -> object:
    """Return a constant of the template as a parameter of that type receives it. Raises: ConstantError."""
    if isinstance(node, NilNode):
        if not can_be_nil(go_type):
            raise ConstantError(f"cannot assign nil to {go_type}")
        return nil_for(go_type)
    if go_type in (ANY, VALUE):
        return ideal(node) if isinstance(node, NumberNode) else node.text if isinstance(node, StringNode) else _bool(node)
    if go_type == "string":
        if not isinstance(node, StringNode):
            raise ConstantError(f"expected string; found {node}")
        return node.text
    if go_type == "bool":
        return _bool(node)
    if go_type == "float64":
        if not isinstance(node, NumberNode) or node.float_value is None:
            raise ConstantError(f"expected float; found {node}")
        return node.float_value
    if go_type == "int" or go_type in _INTEGERS:
        return _integer(node, go_type)
    raise ConstantError(f"can't handle {node} for arg of type {go_type}")


def _bool(node: Node) -> bool:
    if not isinstance(node, BoolNode):
        raise ConstantError(f"expected bool; found {node}")
    return node.value


def count_error(name: str, wanted: int, given: int, *, at_least: bool) -> str:
    """Return Go's text for a wrong number of arguments."""
    return f"wrong number of args for {name}: want {'at least ' if at_least else ''}{wanted} got {given}"
