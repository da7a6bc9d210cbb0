"""Calls of template functions judged without running them: numbers of arguments, and results that change every round.

Source: spec/templates.md 3.1 (wrong number of arguments) and 6.3 (not deterministic).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from kubectl_asm.gotemplate.funcs.signature import Function, Purity
from kubectl_asm.gotemplate.nodes import (
    ActionNode,
    BranchNode,
    ChainNode,
    CommandNode,
    FieldNode,
    IdentifierNode,
    ListNode,
    Node,
    NumberNode,
    PipeNode,
    StringNode,
    TemplateNode,
)
from kubectl_asm.gotemplate.parser import Program

_SORTS: Final = frozenset({"sortAlpha", "len", "has"})
_DATES: Final = frozenset({"date", "dateInZone", "date_in_zone", "htmlDate", "htmlDateInZone"})
_ZONED: Final = frozenset({"dateInZone", "date_in_zone", "htmlDateInZone"})
_SOMETIMES: Final = frozenset({*_DATES, "durationRound"})
_NEEDS_MORE: Final[Mapping[str, int]] = {"eq": 2, "ne": 2, "lt": 2, "le": 2, "gt": 2, "ge": 2}
"""Built-ins whose declared type allows fewer arguments than they accept."""

_WHY: Final = {
    Purity.RANDOM: "gives another result every time",
    Purity.TIME: "depends on the time of day",
    Purity.ORDER: "has no fixed order",
}


class CallIssue(msgspec.Struct, frozen=True):
    """One call. offset: of the function's name in the template; is_arity: a wrong number of arguments."""

    name: str
    offset: int
    message: str
    is_arity: bool


class _Call(msgspec.Struct, frozen=True):
    """One call with what flows into it through the pipe and which function takes its result."""

    name: IdentifierNode
    args: tuple[Node, ...]
    piped: Node | None
    consumer: str

    @property
    def given(self) -> tuple[Node, ...]:
        """All arguments: the piped one is the last."""
        return self.args if self.piped is None else (*self.args, self.piped)


def call_issues(program: Program, functions: Mapping[str, Function]) -> Iterator[CallIssue]:
    """Yield the bad calls of a template, in the order of the text within each definition."""
    for tree in program.trees.values():
        for call in _calls(tree):
            function = functions.get(call.name.name)
            if function is not None:
                yield from _judged(call, function, functions)


def _judged(call: _Call, function: Function, functions: Mapping[str, Function]) -> Iterator[CallIssue]:
    name, count = function.name, len(call.given)
    least = max(len(function.params) - function.variadic, _NEEDS_MORE.get(name, 0))
    if count < least or (count > len(function.params) and not function.variadic):
        wanted = f"at least {least}" if function.variadic else str(least)
        message = f"{name} takes {wanted} argument{'s' * (least != 1)}, not {count}, the piped one included"
        yield CallIssue(name, call.name.pos, message, True)
    elif function.purity is not Purity.PURE and _changes(call, function, functions):
        message = f"{name} {_WHY[function.purity]}, so the Secret is written in every round"
        yield CallIssue(name, call.name.pos, message, False)


def _changes(call: _Call, function: Function, functions: Mapping[str, Function]) -> bool:
    if function.purity is Purity.ORDER:
        return call.consumer not in _SORTS
    if function.name in _SOMETIMES:
        return function.name in _DATES and _is_text(_moment(call), functions)
    return True


def _moment(call: _Call) -> Node:
    """Return the argument that is the instant: the last, or the one before the zone."""
    given = call.given
    return given[-2] if call.name.name in _ZONED and len(given) > 1 else given[-1]


def _is_text(node: Node, functions: Mapping[str, Function]) -> bool:
    """Whether an argument is surely a text or a fraction, for which date functions take the present instant."""
    if isinstance(node, PipeNode):
        return len(node.commands) > 0 and _is_text(node.commands[-1], functions)
    if isinstance(node, CommandNode):
        head = node.args[0]
        if isinstance(head, IdentifierNode):
            known = functions.get(head.name)
            return known is not None and known.result in ("string", "float64")
        return len(node.args) == 1 and _is_text(head, functions)
    if isinstance(node, NumberNode):
        return node.int_value is None
    return isinstance(node, StringNode) or (isinstance(node, FieldNode) and len(node.fields) == 1)


# -- walking


def _calls(node: Node) -> Iterator[_Call]:
    if isinstance(node, ListNode):
        for item in node.items:
            yield from _calls(item)
    elif isinstance(node, ActionNode):
        yield from _pipe(node.pipe, "")
    elif isinstance(node, BranchNode):
        yield from _pipe(node.pipe, "")
        yield from _calls(node.body)
        if node.else_body is not None:
            yield from _calls(node.else_body)
    elif isinstance(node, TemplateNode) and node.pipe is not None:
        yield from _pipe(node.pipe, "")


def _pipe(pipe: PipeNode, consumer: str) -> Iterator[_Call]:
    commands = pipe.commands
    for stage, command in enumerate(commands):
        following = _head(commands[stage + 1]) if stage + 1 < len(commands) else consumer
        yield from _command(command, commands[stage - 1] if stage else None, following)


def _command(command: CommandNode, piped: CommandNode | None, consumer: str) -> Iterator[_Call]:
    head = command.args[0]
    if isinstance(head, IdentifierNode):
        yield _Call(head, tuple(command.args[1:]), piped, consumer)
    else:
        yield from _operand(head, consumer if len(command.args) == 1 else "")
    for argument in command.args[1:]:
        yield from _operand(argument, head.name if isinstance(head, IdentifierNode) else "")


def _operand(node: Node, consumer: str) -> Iterator[_Call]:
    if isinstance(node, PipeNode):
        yield from _pipe(node, consumer)
    elif isinstance(node, ChainNode):
        yield from _operand(node.node, "")
    elif isinstance(node, IdentifierNode):
        yield _Call(node, (), None, consumer)


def _head(command: CommandNode) -> str:
    head = command.args[0]
    return head.name if isinstance(head, IdentifierNode) else ""
