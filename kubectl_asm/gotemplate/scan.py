"""Static analysis: what can be said about a template without values. Plain results with places, for linters.

``analyse`` reports every problem it finds, where a parse stops at the first. Nothing is executed.
Source: spec/templates.md sections 2, 3.1 and 6.3.
"""

from __future__ import annotations

import enum
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from kubectl_asm.gotemplate import nodes
from kubectl_asm.gotemplate.arguments import ConstantError, constant_for
from kubectl_asm.gotemplate.errors import TemplateSyntaxError
from kubectl_asm.gotemplate.funcs import function_table
from kubectl_asm.gotemplate.funcs.signature import VALUE, Function, Purity
from kubectl_asm.gotemplate.hints import function_hint, suggestion
from kubectl_asm.gotemplate.nodes import (
    BoolNode,
    BranchNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    JumpNode,
    ListNode,
    Node,
    NumberNode,
    PipeNode,
    StringNode,
    TemplateNode,
    VariableNode,
)
from kubectl_asm.gotemplate.parser import Program, parse_program
from kubectl_asm.gotemplate.values import is_true

_LINE_BREAK = re.compile("\n")


class IssueKind(enum.StrEnum):
    """What an issue is about. The first four stop the rendering for certain."""

    SYNTAX = "syntax"
    UNKNOWN_FUNCTION = "unknown-function"
    UNKNOWN_TEMPLATE = "unknown-template"
    FIELD_OF_TEXT = "field-of-text"
    MISSING_FIELD = "missing-field"
    UNUSED_KEY = "unused-key"
    NONDETERMINISTIC = "nondeterministic"
    UNREACHABLE = "unreachable"


class Place(msgspec.Struct, frozen=True):
    """A range of the text. Lines and columns count characters from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Issue(msgspec.Struct, frozen=True):
    """One finding. subject: the name it is about; place: None for a key that no text mentions.

    optional: a missing field that the template expects to be absent sometimes (``default``, a condition on it).
    """

    kind: IssueKind
    message: str
    subject: str
    place: Place | None = None
    hint: str = ""
    optional: bool = False


class FieldUse(msgspec.Struct, frozen=True):
    """One use of a key of the data. optional: its absence is provided for."""

    name: str
    place: Place
    optional: bool


class FunctionUse(msgspec.Struct, frozen=True):
    """One call of a function that exists."""

    name: str
    place: Place
    purity: Purity


class Analysis(msgspec.Struct, frozen=True):
    """All findings, in the order of the text. uses_whole_data: the data is also used as a whole, so any key may matter."""

    issues: tuple[Issue, ...]
    fields: tuple[FieldUse, ...] = ()
    functions: tuple[FunctionUse, ...] = ()
    templates: tuple[str, ...] = ()
    uses_whole_data: bool = False


_PROVIDES_FOR_ABSENCE: Final = frozenset(
    {"default", "coalesce", "empty", "and", "or", "not", "ternary", "all", "any", "hasKey", "dig"}
)
_COMPARES: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
"""Functions that decide on a value: an absent one makes their answer constant, whatever the condition around them."""

_TAKES_KEY: Final[Mapping[str, tuple[int, int]]] = {
    "index": (1, 2),
    "get": (1, 2),
    "hasKey": (1, 2),
    "unset": (1, 2),
    "pluck": (2, 1),
}
"""Function to the places of the map and of the key among its arguments, the function itself being 0."""

_WHY: Final = {
    Purity.RANDOM: "gives another result every time",
    Purity.TIME: "depends on the time of day",
    Purity.ORDER: "has no fixed order in Go",
}


class _AnyName(Collection[str]):
    """A set of names that has every name: unknown functions are reported by the scan, all of them."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Context(msgspec.Struct, frozen=True):
    """What is known at a place: whether dot and ``$`` are the data, which variables are, and which keys a condition checked.

    texts: the key whose value dot (the empty name) or a variable is.
    """

    dot_is_data: bool
    dollar_is_data: bool
    aliases: frozenset[str] = frozenset()
    checked: frozenset[str] = frozenset()
    optional: bool = False
    texts: Mapping[str, str] = {}

    def with_(
        self,
        *,
        dot_is_data: bool | None = None,
        alias: str = "",
        checked: Collection[str] = (),
        optional: bool | None = None,
        texts: Mapping[str, str] | None = None,
    ) -> _Context:
        return _Context(
            self.dot_is_data if dot_is_data is None else dot_is_data,
            self.dollar_is_data,
            self.aliases | ({alias} if alias else set()),
            self.checked | set(checked),
            self.optional if optional is None else optional,
            self.texts if texts is None else texts,
        )


class _Scan(msgspec.Struct):
    program: Program
    functions: Mapping[str, Function]
    keys: frozenset[str] | None
    issues: list[tuple[int, Issue]] = msgspec.field(default_factory=list)
    fields: list[tuple[int, FieldUse]] = msgspec.field(default_factory=list)
    calls: list[tuple[int, FunctionUse]] = msgspec.field(default_factory=list)
    uses_whole_data: bool = False
    entered: set[tuple[str, bool]] = msgspec.field(default_factory=set)
    seen: set[object] = msgspec.field(default_factory=set)
    lines: list[int] = msgspec.field(default_factory=list)  # where they begin, found when first asked for

    # --- reporting

    def is_new(self, remark: object) -> bool:
        """Whether a remark is made for the first time; definitions may be scanned twice."""
        count = len(self.seen)
        self.seen.add(remark)
        return len(self.seen) > count

    def place(self, begin: int, length: int) -> Place:
        text = self.program.text
        if not self.lines:
            self.lines += [0, *(match.end() for match in _LINE_BREAK.finditer(text))]
        end = min(max(begin + length, begin), len(text))
        line, end_line = bisect_right(self.lines, begin), bisect_right(self.lines, end)
        return Place(line, begin - self.lines[line - 1] + 1, end_line, end - self.lines[end_line - 1] + 1)

    def report(
        self, begin: int, length: int, kind: IssueKind, subject: str, message: str, *, hint: str = "", optional: bool = False
    ) -> None:
        issue = Issue(kind, message, subject, self.place(begin, length), hint, optional)
        if self.is_new((begin, issue)):
            self.issues.append((begin, issue))

    def key(self, name: str, begin: int, length: int, context: _Context) -> None:
        """Note the use of a key of the data."""
        optional = context.optional or name in context.checked
        use = (begin, FieldUse(name, self.place(begin, length), optional))
        if self.is_new(use):
            self.fields.append(use)
        if self.keys is not None and name not in self.keys:
            message = f"the data has no key {name!r}; it prints <no value>"
            self.report(
                begin, length, IssueKind.MISSING_FIELD, name, message, hint=suggestion(name, self.keys), optional=optional
            )

    # --- statements

    def template(self, name: str, data: bool) -> None:
        """Scan a definition once for each kind of argument it is called with."""
        if (name, data) not in self.entered:
            self.entered.add((name, data))
            self.body(self.program.trees[name], _Context(data, data))

    def body(self, body: ListNode, context: _Context) -> None:
        for index, item in enumerate(body.items):
            if isinstance(item, nodes.ActionNode):
                context = self.pipeline(item.pipe, context)
            elif isinstance(item, BranchNode):
                self.branch(item, context)
            elif isinstance(item, TemplateNode):
                self.call_template(item, context)
            elif isinstance(item, JumpNode) and body.items[index + 1 :]:
                self.unreachable(body.items[index + 1], f"nothing after {{{{{item.keyword}}}}} runs")

    def branch(self, node: BranchNode, context: _Context) -> None:
        checked = self._checked_keys(node.pipe, context)
        inner = self.pipeline(node.pipe, context.with_(optional=node.keyword != "range"))
        inner = inner.with_(optional=context.optional)
        self._constant_condition(node)
        is_data = self.is_data(node.pipe, context)
        dot = context.dot_is_data if node.keyword == "if" else node.keyword == "with" and is_data
        texts = inner.texts if node.keyword == "if" else {**inner.texts, "": self.key_of_text(node.pipe, context)}
        self.body(node.body, inner.with_(dot_is_data=dot, checked=checked, texts=texts if node.keyword != "range" else {}))
        if node.else_body is not None:
            self.body(node.else_body, inner)

    def _checked_keys(self, pipe: PipeNode, context: _Context) -> set[str]:
        """Return the keys that a condition mentions: inside its branch they count as present or provided for."""
        scan = _Scan(self.program, self.functions, None)
        scan.pipeline(pipe, context)
        return {use.name for _, use in scan.fields}

    def _constant_condition(self, node: BranchNode) -> None:
        value = _constant_truth(node.pipe)
        if value is None:
            return
        dead = node.else_body if value else node.body
        if dead is not None and dead.items:
            self.unreachable(dead.items[0], f"the condition {node.pipe} is always {'true' if value else 'false'}")

    def unreachable(self, node: Node, why: str) -> None:
        begin = _start(node)
        self.report(begin, max(len(str(node).split("\n")[0]), 1), IssueKind.UNREACHABLE, "", f"unreachable: {why}")

    def call_template(self, node: TemplateNode, context: _Context) -> None:
        is_data = node.pipe is not None and self.is_data(node.pipe, context)
        if node.pipe is not None and not is_data:
            self.pipeline(node.pipe, context)
        if node.name in self.program.trees:
            self.template(node.name, is_data)
            return
        closing = self.program.text.find(self.program.text[node.pos], node.pos + 1)
        message = f'template "{node.name}" is not defined in this value'
        hint = suggestion(node.name, [name for name in self.program.trees if name])
        self.report(node.pos, max(closing + 1 - node.pos, 1), IssueKind.UNKNOWN_TEMPLATE, node.name, message, hint=hint)

    # --- expressions

    def is_data(self, node: Node, context: _Context) -> bool:
        """Whether an expression is the data as a whole."""
        if isinstance(node, PipeNode):
            return len(node.commands) == 1 and len(node.commands[0].args) == 1 and self.is_data(node.commands[0].args[0], context)
        if isinstance(node, VariableNode):
            return not node.fields and (context.dollar_is_data if node.name == "$" else node.name in context.aliases)
        return isinstance(node, DotNode) and context.dot_is_data

    def pipeline(self, pipe: PipeNode, context: _Context) -> _Context:
        """Scan a pipeline; return the context with the variables that it makes names of the data."""
        provided = context.optional or any(_function_name(command) in _PROVIDES_FOR_ABSENCE for command in pipe.commands)
        for command in pipe.commands:
            self.command(command, context.with_(optional=provided))
        if len(pipe.variables) == 1 and self.is_data(PipeNode(pipe.pos, commands=pipe.commands), context):
            return context.with_(alias=pipe.variables[0].name)
        if pipe.variables:
            key = self.key_of_text(pipe, context) if len(pipe.variables) == 1 else ""
            return context.with_(texts={**context.texts, **{one.name: key for one in pipe.variables}})
        return context

    def key_of_text(self, pipe: PipeNode, context: _Context) -> str:
        """Return the key whose value an expression is as it was fetched, empty for any other expression."""
        if len(pipe.commands) != 1 or len(pipe.commands[0].args) != 1 or self.keys is None:
            return ""
        node = pipe.commands[0].args[0]
        if isinstance(node, DotNode) or (isinstance(node, VariableNode) and not node.fields):
            return context.texts.get("" if isinstance(node, DotNode) else node.name, "")
        is_field = isinstance(node, FieldNode) and context.dot_is_data and len(node.fields) == 1
        return node.fields[0] if isinstance(node, FieldNode) and is_field and node.fields[0] in self.keys else ""

    def command(self, command: CommandNode, context: _Context) -> None:
        name = _function_name(command)
        arguments = command.args
        if name in _COMPARES:
            context = context.with_(optional=False)
        elif name == "and":
            context = context.with_(checked=self._plain_fields(arguments, context))
        if name in _TAKES_KEY and max(_TAKES_KEY[name]) < len(arguments):
            container, key = (arguments[place] for place in _TAKES_KEY[name])
            if isinstance(key, StringNode) and self.is_data(container, context):
                optional = context.optional or name == "hasKey"
                self.key(key.text, key.pos, len(key.quoted), context.with_(optional=optional))
                arguments = [arg for arg in arguments if arg is not container]
        for node in arguments:
            self.operand(node, context)

    def _plain_fields(self, arguments: list[Node], context: _Context) -> set[str]:
        """Return the keys that stand alone among the operands of an ``and``: the others run only when they are there."""
        if not context.dot_is_data:
            return set()
        return {node.fields[0] for node in arguments if isinstance(node, FieldNode)}

    def operand(self, node: Node, context: _Context) -> None:
        if isinstance(node, IdentifierNode):
            self.function(node)
        elif isinstance(node, PipeNode):
            self.pipeline(node, context)
        elif isinstance(node, ChainNode):
            self.operand(node.node, context)
        elif isinstance(node, (FieldNode, VariableNode)) and node.fields:
            if self.is_data(DotNode(0) if isinstance(node, FieldNode) else VariableNode(0, node.name), context):
                self.fields_of_data(node, node.fields, context)
            elif key := context.texts.get("" if isinstance(node, FieldNode) else node.name, ""):
                self.field_of_text(node, key, node.fields)
        elif self.is_data(node, context):
            self.uses_whole_data = True

    def fields_of_data(self, node: Node, names: tuple[str, ...], context: _Context) -> None:
        begin = _start(node)
        self.key(names[0], begin, len(str(node)), context)
        if len(names) > 1 and self.keys is not None and names[0] in self.keys:
            self.field_of_text(node, names[0], names[1:])

    def field_of_text(self, node: Node, key: str, names: tuple[str, ...]) -> None:
        """Report the first of the names that stand behind a text; the place is the dot before it."""
        below = sum(len(name) + 1 for name in names)
        message = f"the value of {key!r} is a text and has no field {names[0]!r}"
        hint = f'write (fromJson .{key}).{names[0]} or jsonPath .{key} "{names[0]}"'
        self.report(_start(node) + len(str(node)) - below, below, IssueKind.FIELD_OF_TEXT, names[0], message, hint=hint)

    def function(self, node: IdentifierNode) -> None:
        name, length = node.name, len(node.name)
        known = self.functions.get(name)
        if known is None:
            message = f"function {name!r} is not defined"
            self.report(node.pos, length, IssueKind.UNKNOWN_FUNCTION, name, message, hint=function_hint(name, self.functions))
            return
        use = (node.pos, FunctionUse(name, self.place(node.pos, length), known.purity))
        if self.is_new(use):
            self.calls.append(use)
        if known.purity is not Purity.PURE:
            message = f"{name} {_WHY[known.purity]}, so the Secret may change in every round"
            self.report(node.pos, length, IssueKind.NONDETERMINISTIC, name, message)

    def unused_keys(self) -> list[Issue]:
        if self.keys is None or self.uses_whole_data:
            return []
        used = {use.name for _, use in self.fields}
        return [Issue(IssueKind.UNUSED_KEY, f"key {key!r} is never used", key) for key in sorted(self.keys - used)]


def _function_name(command: CommandNode) -> str:
    head = command.args[0]
    return head.name if isinstance(head, IdentifierNode) else ""


def _constant_truth(pipe: PipeNode) -> bool | None:
    """Return the truth of a condition that is one constant, None for any other."""
    if len(pipe.commands) != 1 or len(pipe.commands[0].args) != 1:
        return None
    node = pipe.commands[0].args[0]
    if not isinstance(node, (BoolNode, NumberNode, StringNode)):
        return None
    try:
        return is_true(constant_for(node, VALUE))
    except ConstantError:
        return None


def _start(node: Node) -> int:
    """Return where a node's text begins; a chain's own offset is that of a later member."""
    if isinstance(node, FieldNode) and len(node.fields) > 1:
        return node.pos - len(node.fields[0]) - 1
    if isinstance(node, VariableNode) and node.fields:
        return node.pos - len(node.name)
    return node.pos


def _syntax_issue(text: str, error: TemplateSyntaxError) -> Issue:
    lines = text.split("\n")
    line = min(max(error.line, 1), len(lines))
    raw_line = lines[line - 1].encode("utf-8", "surrogateescape")
    column = len(raw_line[: max(error.column, 0)].decode("utf-8", "replace")) + 1
    place = Place(line, column, line, max(len(lines[line - 1]) + 1, column))
    return Issue(IssueKind.SYNTAX, error.message, "", place, error.hint)


def analyse(text: str, *, keys: Collection[str] | None = None, profile: str = "seed") -> Analysis:
    """Return everything that is known about a template before it runs.

    keys: the keys of the data, None when they are not known (then fields are listed but neither missing nor unused).
    Values are taken for texts, as the controller gives them. Raises: ValueError for an unknown profile.
    """
    try:
        program = parse_program("", text, _AnyName())
    except TemplateSyntaxError as error:
        return Analysis((_syntax_issue(text, error),))
    return analyse_program(program, keys=keys, profile=profile)


def analyse_program(program: Program, *, keys: Collection[str] | None = None, profile: str = "seed") -> Analysis:
    """Return the same for a text that was parsed with every function name allowed. Raises: ValueError."""
    functions = function_table(profile)
    scan = _Scan(program, functions, None if keys is None else frozenset(keys))
    scan.template("", True)
    for name in program.trees:
        if not any(entered == name for entered, _ in scan.entered):
            scan.template(name, False)
    found = [issue for _, issue in sorted(scan.issues, key=lambda pair: pair[0])]
    return Analysis(
        issues=(*found, *scan.unused_keys()),
        fields=tuple(use for _, use in sorted(scan.fields, key=lambda pair: pair[0])),
        functions=tuple(use for _, use in sorted(scan.calls, key=lambda pair: pair[0])),
        templates=tuple(name for name in program.trees if name),
        uses_whole_data=scan.uses_whole_data,
    )
