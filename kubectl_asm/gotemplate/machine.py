"""The state of one execution and the loop that runs compiled statements.

A template body is a flat list of operations that name their successor, so nested template calls cost no Python stack:
100 000 levels are an ordinary error. ``compiler.py`` makes the operations. Source: spec/templates.md sections 3.1, 3.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from kubectl_asm.gotemplate.budget import BudgetExceeded
from kubectl_asm.gotemplate.errors import BudgetError, Call, TemplateExecError, column_of, line_of
from kubectl_asm.gotemplate.funcs.signature import Environment
from kubectl_asm.gotemplate.hints import hint_for
from kubectl_asm.gotemplate.nodes import Node
from kubectl_asm.gotemplate.quoting import quote
from kubectl_asm.gotemplate.values import GoMap, canonical, raw

Operation = Callable[["Machine"], int]
"""Runs one statement and returns the index of the next one; SWITCH when the machine moved to another body."""

SWITCH: Final = -1
MAX_CHAIN: Final = 20
"""Template calls that an error lists; of a longer chain the innermost."""


class Body(msgspec.Struct, eq=False):
    """A compiled template. slots: how many variables and hidden values one call of it needs."""

    name: str
    code: list[Operation]
    slots: int = 1


class _Return(msgspec.Struct, frozen=True):
    """What a template call goes back to."""

    body: Body
    pc: int
    variables: list[object]
    dot: object
    dot_is_any: bool
    node: Node


class Machine:
    """One execution.

    dot, variables: of the current call; dot_is_any: dot's Go type is the empty interface, which error texts name;
    node: the node visited last, where an error is reported.
    """

    __slots__ = (
        "alarm",
        "body",
        "budget",
        "calls",
        "dot",
        "dot_is_any",
        "env",
        "node",
        "out",
        "pc",
        "room",
        "source",
        "value_limit",
        "variables",
    )

    def __init__(self, body: Body, source: str, data: GoMap, env: Environment) -> None:
        self.body = body
        self.source = source
        self.env = env
        self.budget = env.budget
        self.dot: object = data
        self.dot_is_any = False
        self.variables: list[object] = [data, *[None] * (body.slots - 1)]
        self.calls: list[_Return] = []
        self.node: Node = Node(0)
        self.out: list[str] = []
        self.room = env.budget.limits.output_bytes
        self.value_limit = env.budget.limits.value_bytes
        self.pc = 0
        self.alarm = self.budget.steps_left

    # --- running

    def run(self) -> bytes:
        """Run to the end and return the output. Raises: TemplateExecError, BudgetError."""
        try:
            self._loop()
        except BudgetExceeded as exceeded:
            raise self._budget_error(exceeded.text) from None
        except RecursionError:
            self.fail("value nested too deeply")
        return raw("".join(self.out))

    def _loop(self) -> None:
        budget = self.budget
        code = self.body.code
        pc = 0
        while True:
            pc = code[pc](self)
            budget.steps_left -= 1
            if budget.steps_left < self.alarm:
                self.tick()
            if pc < 0:
                if self.pc < 0:
                    return
                code, pc = self.body.code, self.pc

    def tick(self) -> None:
        """Look at the clock and the step budget now and then."""
        self.budget.step(0)
        self.budget.check_time()
        self.alarm = max(self.budget.steps_left - self.budget.CLOCK_EVERY, 0)

    def write(self, text: str) -> None:
        """Append text to the output."""
        self.room -= len(text) if text.isascii() else len(raw(text))
        if self.room < 0:
            raise BudgetExceeded(f"template exceeds the budget of {self.budget.limits.output_bytes} bytes of output")
        self.out.append(text)

    def enter(self, body: Body, dot: object, node: Node, return_to: int) -> int:
        """Call a template; its operations run next."""
        self.calls.append(_Return(self.body, return_to, self.variables, self.dot, self.dot_is_any, node))
        self.body, self.pc = body, 0
        self.dot, self.dot_is_any = dot, False
        self.variables = [dot, *[None] * (body.slots - 1)]
        return SWITCH

    def leave(self) -> int:
        """Go back to the caller; at the outermost template the execution is over."""
        if not self.calls:
            self.pc = SWITCH
            return SWITCH
        back = self.calls.pop()
        self.body, self.pc = back.body, back.pc
        self.variables, self.dot, self.dot_is_any = back.variables, back.dot, back.dot_is_any
        return SWITCH

    def checked(self, text: str) -> str:
        """Return a function's text in its one spelling, when it is not too large."""
        if len(text) > self.value_limit:
            self.budget.value(len(text))
        return canonical(text)

    # --- errors

    def fail(self, text: str) -> NoReturn:
        """Stop at the node visited last with Go's text."""
        name = self.body.name
        line, column = self._place()
        go_text = f"template: :{line}:{column}: executing {quote(name)} at <{self.node}>: {text}"
        raise TemplateExecError(
            text,
            go_text=go_text,
            line=line,
            column=column,
            source=self.source,
            chain=self._chain(),
            hint=hint_for(text, self.dot),
        )

    def _budget_error(self, text: str) -> BudgetError:
        line, column = self._place()
        go_text = f"template: :{line}:{column}: executing {quote(self.body.name)} at <{self.node}>: {text}"
        hint = "see the limits of the command, or make the template smaller"
        return BudgetError(text, go_text=go_text, line=line, column=column, source=self.source, chain=self._chain(), hint=hint)

    def _place(self) -> tuple[int, int]:
        return line_of(self.source, self.node.pos), column_of(self.source, self.node.pos)

    def _chain(self) -> tuple[Call, ...]:
        """Return the templates from the outermost to the one that failed, with the places of their calls."""
        recent = self.calls[-MAX_CHAIN:]
        names = [*(call.body.name for call in recent), self.body.name]
        places = [(line_of(self.source, call.node.pos), column_of(self.source, call.node.pos)) for call in recent]
        return tuple(Call(name, *place) for name, place in zip(names, [(0, 0), *places], strict=True))
