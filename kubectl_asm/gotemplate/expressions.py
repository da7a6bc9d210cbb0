"""The third stage, part one: expressions compiled to Python closures over the machine.

A closure does what Go's evaluator does in the same order, marking the node it visits, so that errors name the same place.
Nothing is looked up by Python attribute and no code is generated. Called by ``compiler.py``.
Source: spec/templates.md sections 3.1 to 3.4; Go text/template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from kubectl_asm.gotemplate import fields
from kubectl_asm.gotemplate.arguments import Check, ConstantError, check_for, constant_for, count_error, ideal
from kubectl_asm.gotemplate.funcs.signature import VALUE, Function, FunctionError
from kubectl_asm.gotemplate.machine import Machine
from kubectl_asm.gotemplate.methods import Method
from kubectl_asm.gotemplate.nodes import (
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    NilNode,
    Node,
    NumberNode,
    PipeNode,
    VariableNode,
)
from kubectl_asm.gotemplate.values import MISSING, GoList, GoMap, is_true, type_of

Eval = Callable[[Machine], object]
"""Evaluates an expression."""

Stage = Callable[[Machine, object], object]
"""Evaluates one command of a pipeline; the second argument is the previous command's value, ABSENT for the first."""


SLOW_GROUPS: Final = frozenset({"crypto"})
"""Groups with functions that take long enough to look at the clock after every call."""

ITEMS_PER_STEP: Final = 64
"""List members in a result that count as one step: a loop that appends copies its list every time."""


class _Absent:
    """The type of ABSENT."""


ABSENT: Final = _Absent()


class Scope(msgspec.Struct):
    """The variables of one template body and the slots they live in. marks: slots that hold a range variable's type flag."""

    names: list[tuple[str, int]] = msgspec.field(default_factory=lambda: [("$", 0)])
    slots: int = 1
    flags: dict[int, int] = msgspec.field(default_factory=dict)

    def slot(self) -> int:
        """Return a new slot."""
        self.slots += 1
        return self.slots - 1

    def declare(self, name: str) -> int:
        """Return the slot of a new variable, which hides an older one of its name."""
        slot = self.slot()
        self.names.append((name, slot))
        return slot

    def find(self, name: str) -> int | None:
        """Return the slot of a variable, None when it is not in scope."""
        return next((slot for known, slot in reversed(self.names) if known == name), None)


class ExpressionCompiler:
    """Compiles the expressions of one template body."""

    def __init__(self, functions: Mapping[str, Function], scope: Scope) -> None:
        self.functions = functions
        self.scope = scope

    # --- pipelines

    def pipeline(self, pipe: PipeNode) -> Eval:
        """Return the evaluator of a pipeline; it also stores the variables that the pipeline sets."""
        value = self._commands(pipe)
        if not pipe.variables:
            return value
        return self._assignment(pipe, value) if pipe.is_assign else self._declaration(pipe, value)

    def _commands(self, pipe: PipeNode) -> Eval:
        first, *rest = [self.command(command, is_first=index == 0) for index, command in enumerate(pipe.commands)]
        if isinstance(pipe.commands[0].args[0], PipeNode) and len(pipe.commands[0].args) > 1:
            first = _failing_stage(pipe, f"can't give argument to non-function {pipe.commands[0].args[0]}")
        if not rest:

            def single(m: Machine) -> object:
                value = first(m, ABSENT)
                return MISSING if value is None else value

            return single
        stages = (first, *rest)

        def piped(m: Machine) -> object:
            value: object = ABSENT
            for stage in stages:
                value = stage(m, value)
                if value is None:
                    value = MISSING
            return value

        return piped

    def _declaration(self, pipe: PipeNode, value: Eval) -> Eval:
        slots = [self.scope.declare(variable.name) for variable in pipe.variables]

        def declare(m: Machine) -> object:
            result = value(m)
            for slot in slots:
                m.variables[slot] = result
            return result

        return declare

    def _assignment(self, pipe: PipeNode, value: Eval) -> Eval:
        targets = [(variable.name, self.scope.find(variable.name)) for variable in pipe.variables]

        def assign(m: Machine) -> object:
            result = value(m)
            for name, slot in targets:
                if slot is None:
                    m.fail(f"undefined variable: {name}")
                m.variables[slot] = result
            return result

        return assign

    # --- commands

    def command(self, command: CommandNode, *, is_first: bool) -> Stage:
        """Return the evaluator of one command of a pipeline."""
        head, *arguments = command.args
        if isinstance(head, IdentifierNode):
            return self.call(head, command, arguments, has_final=not is_first)
        if isinstance(head, FieldNode):
            return self._member(_dot, _dot_is_any, head, head.fields, arguments, is_first=is_first)
        if isinstance(head, ChainNode):
            return self._chain(head, arguments, is_first=is_first)
        if isinstance(head, VariableNode) and head.fields:
            return self._member(
                self._variable(head), self._variable_is_any(head), head, head.fields, arguments, is_first=is_first
            )
        plain = self._plain(head)
        if arguments or not is_first:
            return _refuse_arguments(head)
        return lambda m, _final: plain(m)

    def _plain(self, head: Node) -> Eval:
        """Return the evaluator of an operand that takes no arguments."""
        if isinstance(head, PipeNode):
            return self.pipeline(head)
        if isinstance(head, VariableNode):
            return self._variable(head)
        if isinstance(head, DotNode):
            return _visited(head, _dot)
        if isinstance(head, NilNode):
            return _failing(head, "nil is not a command")
        return _constant(head, lambda: ideal(head) if isinstance(head, NumberNode) else constant_for(head, VALUE))

    def _variable(self, node: VariableNode) -> Eval:
        slot = self.scope.find(node.name)
        if slot is None:
            return _failing(node, f"undefined variable: {node.name}")
        index = slot

        def variable(m: Machine) -> object:
            m.node = node
            return m.variables[index]

        return variable

    def _variable_is_any(self, node: VariableNode) -> Callable[[Machine], bool]:
        slot = self.scope.find(node.name)
        flag = None if slot is None else self.scope.flags.get(slot)
        if flag is None:
            return _never
        index = flag
        return lambda m: bool(m.variables[index])

    # --- fields and methods

    def _chain(self, node: ChainNode, arguments: Sequence[Node], *, is_first: bool) -> Stage:
        inner = self.argument(node.node, None)

        def receiver(m: Machine) -> object:
            m.node = node
            return inner(m)

        return self._member(receiver, _never, node, node.fields, arguments, is_first=is_first, marks_node=True)

    def _member(
        self,
        receiver: Eval,
        receiver_is_any: Callable[[Machine], bool],
        node: Node,
        names: tuple[str, ...],
        arguments: Sequence[Node],
        *,
        is_first: bool,
        marks_node: bool = False,
    ) -> Stage:
        """Return the evaluator of a chain of fields. marks_node: the receiver's evaluator marks the node itself."""
        last = self._last_member(node, names[-1], arguments, has_final=not is_first)
        steps = names[:-1]

        def member(m: Machine, final: object) -> object:
            if not marks_node:
                m.node = node
            value = receiver(m)
            if not steps:
                return last(m, value, receiver_is_any, final)
            is_any = receiver_is_any(m)
            for name in steps:
                value, is_any = _step(m, value, name, node, is_any)
            return last(m, value, _always if is_any else _never, final)

        return member

    def _last_member(
        self, node: Node, name: str, arguments: Sequence[Node], *, has_final: bool
    ) -> Callable[[Machine, object, Callable[[Machine], bool], object], object]:
        compiled: dict[tuple[str, ...], list[Eval]] = {}
        has_arguments = bool(arguments) or has_final

        def last(m: Machine, value: object, is_any: Callable[[Machine], bool], final: object) -> object:
            if type(value) is GoMap and not has_arguments:
                return value.get(name, MISSING)
            method = fields.method_for(value, name)
            if method is None:
                return fields.lookup(m, value, name, is_any=is_any(m), has_arguments=has_arguments)
            _check_method(m, method, name, len(arguments) + has_final)
            if method.params not in compiled:
                compiled[method.params] = [self.argument(arg, typ) for arg, typ in zip(arguments, method.params, strict=False)]
            given = [evaluate(m) for evaluate in compiled[method.params]]
            if has_final:
                given.append(check_for(method.params[-1])(m, final))
            return fields.call_method(m, method, name, value, given, node)

        return last

    # --- arguments

    def argument(self, node: Node, go_type: str | None) -> Eval:
        """Return the evaluator of an argument for a parameter of that type; None takes any value as it is."""
        value = self._argument_value(node)
        if value is None:
            return _constant(node, lambda: constant_for(node, go_type or VALUE))
        if go_type is None or go_type == VALUE:
            return value
        check = check_for(go_type)

        def checked(m: Machine) -> object:
            return check(m, value(m))

        return checked

    def _argument_value(self, node: Node) -> Eval | None:
        """Return the evaluator of an argument's own value, None for constants, whose value depends on the parameter."""
        if isinstance(node, DotNode):
            return _visited(node, _dot)
        if isinstance(node, PipeNode):
            return self.pipeline(node)
        if isinstance(node, VariableNode) and not node.fields:
            return self._variable(node)
        if isinstance(node, (FieldNode, VariableNode, ChainNode, IdentifierNode)):
            stage = self.command(CommandNode(node.pos, [node]), is_first=True)
            if isinstance(node, IdentifierNode):
                stage = self.call(node, node, [], has_final=False)
            return lambda m: stage(m, ABSENT)
        return None

    # --- calls

    def call(self, ident: IdentifierNode, node: Node, arguments: Sequence[Node], *, has_final: bool) -> Stage:
        """Return the evaluator of a function call. node: where Go reports that the function failed."""
        function = self.functions[ident.name]
        if (problem := _count_problem(function, len(arguments), has_final)) is not None:
            return _failing_stage(ident, problem)
        evals = [self.argument(arg, param_type(function, index)) for index, arg in enumerate(arguments)]
        final = check_for(param_type(function, len(arguments))) if has_final else None
        if function.group == "builtins" and function.name in ("and", "or"):
            return _short_circuit(ident, evals, has_final=has_final, stop_at=function.name == "or")
        if function.group == "builtins" and function.name == "call":
            return _call_value(ident, node, evals, arguments)
        return _call(function, ident, node, evals, final)


# --- receivers --------------------------------------------------------------------------------------------


def _dot(m: Machine) -> object:
    return m.dot


def _dot_is_any(m: Machine) -> bool:
    return m.dot_is_any


def _never(_m: Machine) -> bool:
    return False


def _always(_m: Machine) -> bool:
    return True


def _visited(node: Node, inner: Eval) -> Eval:
    def visit(m: Machine) -> object:
        m.node = node
        return inner(m)

    return visit


def _failing(node: Node, text: str) -> Eval:
    def fail(m: Machine) -> object:
        m.node = node
        return m.fail(text)

    return fail


def _failing_stage(node: Node, text: str) -> Stage:
    fail = _failing(node, text)
    return lambda m, _final: fail(m)


def _refuse_arguments(head: Node) -> Stage:
    """Return the stage of an operand that is given arguments although it is no function."""
    marked = None if isinstance(head, PipeNode) else head

    def refuse(m: Machine, _final: object) -> object:
        m.node = marked or m.node
        return m.fail(f"can't give argument to non-function {head}")

    return refuse


def _constant(node: Node, value: Callable[[], object]) -> Eval:
    """Return the evaluator of a constant; one that the parameter refuses fails when it is reached."""
    try:
        constant = value()
    except ConstantError as error:
        return _failing(node, str(error))

    def evaluate(m: Machine) -> object:
        m.node = node
        return constant

    return evaluate


def _step(m: Machine, value: object, name: str, node: Node, is_any: bool) -> tuple[object, bool]:
    """Return a member in the middle of a chain, and whether its Go type is the empty interface."""
    method = fields.method_for(value, name)
    if method is None:
        return fields.lookup(m, value, name, is_any=is_any), fields.holds_any(value)
    _check_method(m, method, name, 0)
    return fields.call_method(m, method, name, value, [], node), False


def _check_method(m: Machine, method: Method, name: str, given: int) -> None:
    if given != len(method.params):
        m.fail(count_error(name, len(method.params), given, at_least=False))
    if method.complaint:
        m.fail(method.complaint)


# --- calls ------------------------------------------------------------------------------------------------


def param_type(function: Function, index: int) -> str:
    """Return the declared type of an argument by its place; a variadic function's last type repeats."""
    return function.params[min(index, len(function.params) - 1)]


def _count_problem(function: Function, given: int, has_final: bool) -> str | None:
    """Return Go's text when the number of arguments is wrong. The variadic text does not count the piped value."""
    total = given + has_final
    if function.variadic:
        least = len(function.params) - 1
        return count_error(function.name, least, given, at_least=True) if total < least else None
    return count_error(function.name, len(function.params), total, at_least=False) if total != len(function.params) else None


def _call(function: Function, ident: IdentifierNode, node: Node, evals: Sequence[Eval], final: Check | None) -> Stage:
    """Return the stage that evaluates the arguments, checks the piped value and calls the function."""
    call, name, needs_env = function.call, function.name, function.needs_env
    is_slow = function.group in SLOW_GROUPS

    def run(m: Machine, piped: object) -> object:
        m.node = ident
        arguments = [evaluate(m) for evaluate in evals]
        if final is not None:
            arguments.append(final(m, piped))
        try:
            result = call(m.env, *arguments) if needs_env else call(*arguments)
        except FunctionError as error:
            m.node = node
            m.fail(f"error calling {name}: {error.text}")
        if is_slow:
            m.budget.check_time()
        if type(result) is str:
            return m.checked(result)
        if type(result) is GoList:
            m.budget.steps_left -= len(result) // ITEMS_PER_STEP
        return result

    return run


def _short_circuit(ident: IdentifierNode, evals: Sequence[Eval], *, has_final: bool, stop_at: bool) -> Stage:
    """Return the stage of ``and`` or ``or``: the first argument whose truth is stop_at, otherwise the last one."""

    def run(m: Machine, piped: object) -> object:
        m.node = ident
        value: object = MISSING
        for evaluate in evals:
            value = evaluate(m)
            if is_true(value) == stop_at:
                return value
        return piped if has_final else value

    return run


def _call_value(ident: IdentifierNode, node: Node, evals: Sequence[Eval], arguments: Sequence[Node]) -> Stage:
    """Return the stage of ``call``, which always fails: none of the values a template can hold is a function."""

    def run(m: Machine, piped: object) -> object:
        m.node = ident
        values = [evaluate(m) for evaluate in evals]
        callee = values[0] if values else piped
        m.node = node
        if callee is None or callee is MISSING:
            m.fail("error calling call: call of nil")
        shown = str(arguments[0]) if arguments else callee if isinstance(callee, str) else f"<{type_of(callee)} Value>"
        return m.fail(f"error calling call: non-function {shown} of type {type_of(callee)}")

    return run
