"""The third stage, part two: statements compiled to flat lists of operations for the machine.

Branches and loops become jumps between operations; what a loop needs to remember lives in hidden variable slots. So
``break`` and ``continue`` are plain jumps, and nesting costs no Python stack at execution.
Source: spec/templates.md sections 3.1 to 3.3; Go text/template.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from kubectl_asm.gotemplate.expressions import ExpressionCompiler, Scope
from kubectl_asm.gotemplate.funcs.builtins import printable
from kubectl_asm.gotemplate.funcs.signature import Function
from kubectl_asm.gotemplate.machine import Body, Machine, Operation
from kubectl_asm.gotemplate.nodes import ActionNode, BranchNode, JumpNode, ListNode, Node, TemplateNode, TextNode
from kubectl_asm.gotemplate.parser import Program
from kubectl_asm.gotemplate.printf import display
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import ANY, MISSING, GoBytes, GoList, GoMap, Uint8, is_int, is_true, sorted_keys

_END: Final = (None, None)


class _Label(msgspec.Struct):
    """The place of an operation that is not known yet."""

    pc: int = 0


class _Loop(msgspec.Struct, frozen=True):
    """Where ``continue`` and ``break`` of the innermost range go."""

    again: int
    leave: _Label


class _BodyCompiler:
    """Compiles one template body."""

    def __init__(self, name: str, functions: Mapping[str, Function], bodies: Mapping[str, Body]) -> None:
        self.bodies = bodies
        self.scope = Scope()
        self.expressions = ExpressionCompiler(functions, self.scope)
        self.code: list[Operation] = []
        self.loops: list[_Loop] = []
        self.name = name

    def compile(self, body: Body, tree: ListNode) -> None:
        self.list(tree)
        self.code.append(Machine.leave)
        body.code, body.slots = self.code, self.scope.slots

    def here(self) -> int:
        """Return the index of the operation that comes next."""
        return len(self.code)

    def list(self, node: ListNode) -> None:
        for item in node.items:
            self.statement(item)

    def scoped(self, node: ListNode) -> None:
        """Compile a list whose variables end with it."""
        mark = len(self.scope.names)
        self.list(node)
        del self.scope.names[mark:]

    def statement(self, node: Node) -> None:
        if isinstance(node, TextNode):
            self.text(node)
        elif isinstance(node, ActionNode):
            self.action(node)
        elif isinstance(node, BranchNode):
            mark = len(self.scope.names)
            {"if": self.condition, "with": self.with_, "range": self.range}[node.keyword](node)
            del self.scope.names[mark:]
        elif isinstance(node, TemplateNode):
            self.template(node)
        elif isinstance(node, JumpNode):
            self.jump(node)

    # --- output

    def text(self, node: TextNode) -> None:
        text, following = node.text, self.here() + 1

        def write(m: Machine) -> int:
            m.write(text)
            return following

        self.code.append(write)

    def action(self, node: ActionNode) -> None:
        value = self.expressions.pipeline(node.pipe)
        following = self.here() + 1

        def show(m: Machine) -> int:
            result = value(m)
            m.node = node
            m.write(result if type(result) is str else printable(result))
            return following

        def evaluate(m: Machine) -> int:
            value(m)
            return following

        self.code.append(evaluate if node.pipe.variables else show)

    # --- branches

    def goto(self, label: _Label) -> None:
        def jump(_m: Machine) -> int:
            return label.pc

        self.code.append(jump)

    def condition(self, node: BranchNode) -> None:
        value = self.expressions.pipeline(node.pipe)
        other, end, following = _Label(), _Label(), self.here() + 1

        def test(m: Machine) -> int:
            return following if is_true(value(m)) else other.pc

        self.code.append(test)
        self.scoped(node.body)
        self.otherwise(node, other, end)

    def otherwise(self, node: BranchNode, other: _Label, end: _Label) -> None:
        """Compile the end of a branch: the else body, jumped over by the first one."""
        if node.else_body is not None:
            self.goto(end)
            other.pc = self.here()
            self.scoped(node.else_body)
        else:
            other.pc = self.here()
        end.pc = self.here()

    def with_(self, node: BranchNode) -> None:
        value = self.expressions.pipeline(node.pipe)
        other, end, following = _Label(), _Label(), self.here() + 1
        saved = self.scope.slot()

        def enter(m: Machine) -> int:
            result = value(m)
            if not is_true(result):
                return other.pc
            m.variables[saved] = (m.dot, m.dot_is_any)
            m.dot, m.dot_is_any = result, False
            return following

        self.code.append(enter)
        self.scoped(node.body)
        self.restore(saved)
        self.otherwise(node, other, end)

    def restore(self, saved: int) -> None:
        """Give dot back what it was before a ``with`` or ``range``."""
        following = self.here() + 1

        def restore(m: Machine) -> int:
            m.dot, m.dot_is_any = m.variables[saved]  # type: ignore[misc] # the slot holds the pair that entering stored
            return following

        self.code.append(restore)

    # --- loops

    def range(self, node: BranchNode) -> None:
        value = self.expressions.pipeline(node.pipe)
        saved, iterator, holds_any = self.scope.slot(), self.scope.slot(), self.scope.slot()
        other, end, leave, following = _Label(), _Label(), _Label(), self.here() + 1
        assign = _LoopVariables(self.scope, node)

        def start(m: Machine) -> int:
            container = value(m)
            items = _iterate(m, container, pairs=len(node.pipe.variables) > 1)
            if items is None:
                return other.pc
            m.variables[iterator] = items
            m.variables[saved] = (m.dot, m.dot_is_any)
            is_any = isinstance(container, (GoList, GoMap)) and container.elem == ANY
            m.variables[holds_any] = is_any
            assign.begin(m, is_any)
            return following

        def advance(m: Machine) -> int:
            index, element = pair = next(m.variables[iterator], _END)  # type: ignore[call-overload] # start stored an iterator
            if pair is _END:
                return leave.pc
            m.dot, m.dot_is_any = element, bool(m.variables[holds_any])
            assign.step(m, index, element)
            return following + 1

        self.code += [start, advance]
        self.loops.append(_Loop(following, leave))
        self.scoped(node.body)
        self.loops.pop()
        self.code.append(lambda _m: following)
        leave.pc = self.here()
        self.restore(saved)
        self.otherwise(node, other, end)

    def jump(self, node: JumpNode) -> None:
        loop = self.loops[-1]
        if node.keyword == "break":
            self.goto(loop.leave)
        else:
            self.code.append(lambda _m: loop.again)

    # --- templates

    def template(self, node: TemplateNode) -> None:
        value = None if node.pipe is None else self.expressions.pipeline(node.pipe)
        bodies, name, following = self.bodies, node.name, self.here() + 1

        def call(m: Machine) -> int:
            m.node = node
            body = bodies.get(name)
            if body is None:
                m.fail(f"template {quote(name)} not defined")
            limit = m.budget.limits.depth
            if len(m.calls) >= limit:
                m.fail(f"exceeded maximum template depth ({limit})")
            return m.enter(body, MISSING if value is None else value(m), node, following)

        self.code.append(call)


class _LoopVariables:
    """The variables of a range: declared or assigned, the element alone or after its index."""

    def __init__(self, scope: Scope, node: BranchNode) -> None:
        names = [variable.name for variable in node.pipe.variables]
        slots = [scope.find(name) for name in names]
        if len(names) == 2 and names[0] == names[1] and not node.pipe.is_assign:
            slots[0] = next(slot for name, slot in scope.names[-2:] if name == names[0])
        self.index = slots[0] if len(slots) > 1 else None
        self.element = slots[-1] if slots else None
        self.flag: int | None = None
        if self.element is not None and not node.pipe.is_assign:
            self.flag = scope.flags.setdefault(self.element, scope.slot())

    def begin(self, m: Machine, is_any: bool) -> None:
        if self.flag is not None:
            m.variables[self.flag] = is_any

    def step(self, m: Machine, index: object, element: object) -> None:
        if self.index is not None:
            m.variables[self.index] = index
        if self.element is not None:
            m.variables[self.element] = element


def _iterate(m: Machine, value: object, *, pairs: bool) -> Iterator[tuple[object, object]] | None:
    """Return the (index, element) pairs of a range, None when there are none. pairs: the range sets two variables."""
    if isinstance(value, GoMap):
        return iter([(key, value[key]) for key in sorted_keys(value)]) if value else None
    if isinstance(value, GoList):
        return enumerate(value) if value else None
    if isinstance(value, GoBytes):
        return ((index, Uint8(byte)) for index, byte in enumerate(value)) if value else None
    if value is MISSING:
        return None
    if not is_int(value):
        m.fail(f"range can't iterate over {display(value)}")
    if pairs:
        m.fail(f"can't use {display(value)} to iterate over more than one variable")
    return _count(value) if value > 0 else None  # type: ignore[arg-type, operator] # is_int


def _count(limit: int) -> Iterator[tuple[object, object]]:
    """Yield 0 to limit - 1 as values of the limit's own Go type."""
    kind = type(limit)
    return ((None, kind(number)) for number in range(limit))


def compile_program(program: Program, functions: Mapping[str, Function]) -> dict[str, Body]:
    """Return the compiled bodies of all templates of a program, by name."""
    bodies = {name: Body(name, []) for name in program.trees}
    for name, tree in program.trees.items():
        _BodyCompiler(name, functions, bodies).compile(bodies[name], tree)
    return bodies
