"""Looking up ``.Name`` on a value: map members, methods and fields, with Go's error texts.

Called by ``expressions.py``. Source: spec/templates.md sections 3.1 and 3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_asm.gotemplate.funcs.signature import FunctionError
from kubectl_asm.gotemplate.methods import Method, field_of, is_unexported, method_of
from kubectl_asm.gotemplate.values import ANY, MISSING, GoMap, GoObject, SizedInt, type_of

if TYPE_CHECKING:
    from kubectl_asm.gotemplate.machine import Machine
    from kubectl_asm.gotemplate.nodes import Node


def method_for(receiver: object, name: str) -> Method | None:
    """Return the method that ``.Name`` calls, None for anything that is looked up instead."""
    return method_of(receiver, name) if isinstance(receiver, (GoObject, SizedInt)) else None


def lookup(machine: Machine, receiver: object, name: str, *, is_any: bool, has_arguments: bool = False) -> object:
    """Return a member that is no method. is_any: the receiver's Go type is the empty interface, as errors say."""
    if receiver is MISSING:
        return MISSING
    if receiver is None:
        machine.fail(f"nil pointer evaluating {ANY}.{name}")
    if isinstance(receiver, GoMap):
        if has_arguments:
            machine.fail(f"{name} is not a method but has arguments")
        return receiver.get(name, MISSING)
    typ = ANY if is_any else type_of(receiver)
    if (read := field_of(receiver, name)) is not None:
        if has_arguments:
            machine.fail(f"{name} has arguments but cannot be invoked as function")
        return read(receiver)
    if is_unexported(receiver, name):
        machine.fail(f"{name} is an unexported field of struct type {typ}")
    return machine.fail(f"can't evaluate field {name} in type {typ}")


def holds_any(container: object) -> bool:
    """Whether members of the container have the empty interface as their Go type."""
    return isinstance(container, GoMap) and container.elem == ANY


def call_method(machine: Machine, method: Method, name: str, receiver: object, arguments: list[object], node: Node) -> object:
    """Return a method's result. node: the field chain, where Go reports that it failed."""
    try:
        result = method.call(receiver, *arguments)
    except FunctionError as error:
        machine.node = node
        machine.fail(f"error calling {name}: {error.text}")
    return machine.checked(result) if isinstance(result, str) else result
