"""The second stage: tokens to trees, one per defined template, with Go's error texts.

A parse needs only the names of the functions that exist. ``compiler.py`` and ``scan.py`` take the result.
Source: spec/templates.md sections 3.1, 3.3 and 3.4; Go text/template/parse.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, NoReturn

from kubectl_asm.gotemplate import nodes, numbers
from kubectl_asm.gotemplate.errors import TemplateSyntaxError, column_of
from kubectl_asm.gotemplate.hints import function_hint, name_hint, suggestion
from kubectl_asm.gotemplate.lexer import Kind, Token, tokenize
from kubectl_asm.gotemplate.nodes import (
    ActionNode,
    BoolNode,
    BranchNode,
    ChainNode,
    CommandNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    JumpNode,
    ListNode,
    NilNode,
    Node,
    NumberNode,
    PipeNode,
    StringNode,
    TemplateNode,
    TextNode,
    VariableNode,
)
from kubectl_asm.gotemplate.quoting import LiteralError, quote, unquote

MAX_NESTING: Final = 100
"""Blocks or parentheses inside each other, and links of an else-if chain, that are accepted.

Go accepts 10 000 parentheses; here each level takes several Python frames.
"""


@dataclass(slots=True)
class Program:
    """What a text defines. trees: template name to body; the text itself is the tree of its name."""

    name: str
    text: str
    trees: dict[str, ListNode] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Closer(Node):
    """``{{end}}`` or ``{{else}}`` (the keyword); chained: the keyword right behind the else."""

    keyword: str
    chained: str = ""

    def __str__(self) -> str:
        return f"{{{{{self.keyword}}}}}"


_OPERANDS: Final = frozenset(
    {
        Kind.BOOL,
        Kind.CHAR_CONSTANT,
        Kind.COMPLEX,
        Kind.DOT,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.NIL,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    }
)
_CONSTANTS: Final = (BoolNode, DotNode, NilNode, NumberNode, StringNode)


class _Stream:
    """The tokens of a text, shared by the parsers of all its definitions. An error token repeats for ever."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._last = len(tokens) - 1

    def take(self) -> Token:
        token = self._tokens[self._next]
        if self._next < self._last:
            self._next += 1
        return token


class _Parser:
    """Parses one definition. Like Go's, each has its own look-ahead, variables and range depth.

    newest: the token read last, whose line Go names in errors.
    """

    def __init__(self, program: Program, stream: _Stream, functions: Collection[str], name: str, depth: int = 0) -> None:
        self.program = program
        self.stream = stream
        self.functions = functions
        self.name = name
        self.pending: list[Token] = []
        self.newest = Token(Kind.EOF, 0, "", 0)
        self.variables = ["$"]
        self.action_line = 0
        self.range_depth = 0
        self.depth = depth

    # --- tokens

    def next(self) -> Token:
        if self.pending:
            return self.pending.pop()
        self.newest = self.stream.take()
        return self.newest

    def back(self, *tokens: Token) -> None:
        """Put tokens back; the last one given comes out first."""
        self.pending.extend(tokens)

    def peek(self) -> Token:
        if not self.pending:
            self.pending.append(self.next())
        return self.pending[-1]

    def next_solid(self) -> Token:
        """Return the next token that is not white space."""
        pending = self.pending
        while pending:
            token = pending.pop()
            if token.kind is not Kind.SPACE:
                return token
        take = self.stream.take
        while (token := take()).kind is Kind.SPACE:
            pass
        self.newest = token
        return token

    def peek_solid(self) -> Token:
        if self.pending and self.pending[-1].kind is not Kind.SPACE:
            return self.pending[-1]
        token = self.next_solid()
        self.pending.append(token)
        return token

    def at_keyword(self, token: Token, *words: str) -> bool:
        return token.kind is Kind.KEYWORD and token.value in words

    # --- errors

    def fail(self, message: str, *, hint: str = "", token: Token | None = None) -> NoReturn:
        """Stop with an error at the line Go would name; our column is that of the token, where it lies on that line."""
        place = token or self.newest
        line = self.newest.line
        column = column_of(self.program.text, place.pos) if place.line == line else -1
        go_text = f"template: {self.program.name}:{line}: {message}"
        raise TemplateSyntaxError(message, go_text=go_text, line=line, column=column, source=self.program.text, hint=hint)

    def unexpected(self, token: Token, context: str) -> NoReturn:
        if token.kind is not Kind.ERROR:
            self.fail(f"unexpected {token} in {context}", token=token)
        extra = ""
        if self.action_line and self.action_line != token.line:
            extra = f" in action started at {self.program.name}:{self.action_line}"
            if token.value.endswith(" action"):
                extra = extra.removeprefix(" in action")
        self.fail(f"{token}{extra}", token=token, hint=name_hint(self.program.text, token))

    def expect(self, kind: Kind, context: str) -> Token:
        token = self.next_solid()
        if token.kind is not kind:
            self.unexpected(token, context)
        return token

    def nest(self, step: int) -> None:
        self.depth += step
        if self.depth > MAX_NESTING:
            self.fail("max expression depth exceeded")

    # --- definitions

    def parse_text(self) -> None:
        """Parse the whole text: its own tree and every definition in it."""
        root = ListNode(self.peek().pos)
        while self.peek().kind is not Kind.EOF:
            if self.peek().kind is Kind.LEFT and self._parse_definition():
                continue
            node = self.text_or_action()
            if isinstance(node, _Closer):
                self.fail(f"unexpected {node}")
            root.items.append(node)
        self.define(root)

    def _parse_definition(self) -> bool:
        """Parse a ``define`` if that is what comes next."""
        left = self.next()
        token = self.next_solid()
        if not self.at_keyword(token, "define"):
            self.back(token, left)
            return False
        inner = _Parser(self.program, self.stream, self.functions, "definition")
        token = inner.next_solid()
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            inner.unexpected(token, "define clause")
        inner.name = inner.unquote(token)
        inner.expect(Kind.RIGHT, "define clause")
        inner.parse_body("define clause", reporter=inner)
        return True

    def parse_body(self, context: str, *, reporter: _Parser) -> None:
        """Parse up to the end of a definition, and register it. reporter: the parser whose line Go names for a stray else."""
        body, closer = self.item_list()
        if closer.keyword != "end":
            reporter.fail(f"unexpected {closer} in {context}")
        self.define(body)

    def define(self, body: ListNode) -> None:
        """Register a body; a blank one never replaces or conflicts."""
        existing = self.program.trees.get(self.name)
        if existing is None or nodes.is_empty(existing):
            self.program.trees[self.name] = body
        elif not nodes.is_empty(body):
            self.fail(f"template: multiple definition of template {quote(self.name)}")

    # --- statements

    def item_list(self) -> tuple[ListNode, _Closer]:
        """Parse text and actions up to the ``end`` or ``else`` that closes them."""
        body = ListNode(self.peek_solid().pos)
        self.nest(1)
        while self.peek_solid().kind is not Kind.EOF:
            node = self.text_or_action()
            if isinstance(node, _Closer):
                self.nest(-1)
                return body, node
            body.items.append(node)
        return self.fail("unexpected EOF", hint="an action is missing its {{ end }}")

    def text_or_action(self) -> Node:
        token = self.next_solid()
        if token.kind is Kind.TEXT:
            return TextNode(token.pos, token.value)
        if token.kind is not Kind.LEFT:
            self.unexpected(token, "input")
        self.action_line = token.line
        node = self.action()
        self.action_line = 0
        return node

    def action(self) -> Node:
        token = self.next_solid()
        if token.kind is Kind.KEYWORD and token.value != "define":
            return self.keyword(token)
        self.back(token)
        return ActionNode(token.pos, self.pipeline("command", Kind.RIGHT))

    def keyword(self, token: Token) -> Node:
        if token.value in ("if", "with", "range"):
            return self.branch(token.value)
        if token.value in ("break", "continue"):
            return self.jump(token)
        if token.value == "template":
            return self.template_call()
        if token.value == "block":
            return self.block()
        if token.value == "end":
            return _Closer(self.expect(Kind.RIGHT, "end").pos, "end")
        return self.else_closer()

    def jump(self, token: Token) -> JumpNode:
        action = f"{{{{{token.value}}}}}"
        following = self.next_solid()
        if following.kind is not Kind.RIGHT:
            self.unexpected(following, action)
        if self.range_depth == 0:
            self.fail(f"{action} outside {{{{range}}}}", token=token)
        return JumpNode(token.pos, token.value)

    def else_closer(self) -> _Closer:
        token = self.peek_solid()
        if self.at_keyword(token, "if", "with"):
            return _Closer(token.pos, "else", token.value)
        return _Closer(self.expect(Kind.RIGHT, "else").pos, "else")

    def branch(self, keyword: str) -> BranchNode:
        """Parse ``if``, ``with`` or ``range`` after its keyword; variables of the pipeline end with the branch."""
        mark = len(self.variables)
        pipe = self.pipeline(keyword, Kind.RIGHT)
        self.range_depth += keyword == "range"
        body, closer = self.item_list()
        self.range_depth -= keyword == "range"
        else_body = self.else_body(keyword, closer) if closer.keyword == "else" else None
        del self.variables[mark:]
        return BranchNode(pipe.pos, keyword, pipe, body, else_body)

    def else_body(self, keyword: str, closer: _Closer) -> ListNode:
        if closer.chained and keyword == closer.chained:
            self.next_solid()
            self.nest(1)
            chained = self.branch(keyword)
            self.nest(-1)
            return ListNode(closer.pos, [chained])
        body, end = self.item_list()
        if end.keyword != "end":
            self.fail(f"expected end; found {end}")
        return body

    def template_call(self) -> TemplateNode:
        context = "template clause"
        token = self.next_solid()
        name = self.template_name(token, context)
        following = self.next_solid()
        if following.kind is Kind.RIGHT:
            return TemplateNode(token.pos, name, None)
        self.back(following)
        return TemplateNode(token.pos, name, self.pipeline(context, Kind.RIGHT))

    def block(self) -> TemplateNode:
        """Parse ``block``: a definition and its call in one."""
        context = "block clause"
        token = self.next_solid()
        name = self.template_name(token, context)
        pipe = self.pipeline(context, Kind.RIGHT)
        _Parser(self.program, self.stream, self.functions, name, self.depth).parse_body(context, reporter=self)
        return TemplateNode(token.pos, name, pipe)

    def template_name(self, token: Token, context: str) -> str:
        if token.kind not in (Kind.STRING, Kind.RAW_STRING):
            self.unexpected(token, context)
        return self.unquote(token)

    def unquote(self, token: Token) -> str:
        try:
            return unquote(token.value)
        except LiteralError as error:
            self.fail(str(error), token=token)

    # --- expressions

    def pipeline(self, context: str, closing: Kind) -> PipeNode:
        pipe = PipeNode(self.peek_solid().pos)
        self.declarations(pipe, context)
        while True:
            token = self.next_solid()
            if token.kind is closing:
                self.check_pipeline(pipe, context)
                return pipe
            if token.kind not in _OPERANDS:
                self.unexpected(token, context)
            self.back(token)
            pipe.commands.append(self.command())

    def declarations(self, pipe: PipeNode, context: str) -> None:
        """Parse ``$x :=``, ``$x =``, and in a range ``$i, $x :=``."""
        while (variable := self.peek_solid()).kind is Kind.VARIABLE:
            self.next()
            after = self.peek()
            operator = self.peek_solid()
            if operator.kind in (Kind.ASSIGN, Kind.DECLARE):
                pipe.is_assign = operator.kind is Kind.ASSIGN
                self.next_solid()
                self._declare(pipe, variable)
                return
            if operator.kind is not Kind.CHAR or operator.value != ",":
                if after.kind is Kind.SPACE:
                    self.back(after)
                self.back(variable)
                return
            self.next_solid()
            self._declare(pipe, variable)
            if context != "range" or len(pipe.variables) >= 2:
                self.fail(f"too many declarations in {context}", token=variable)
            if self.peek_solid().kind not in (Kind.VARIABLE, Kind.RIGHT, Kind.RIGHT_PAREN):
                self.fail("range can only initialize variables", token=variable)

    def _declare(self, pipe: PipeNode, variable: Token) -> None:
        pipe.variables.append(VariableNode(variable.pos, variable.value))
        self.variables.append(variable.value)

    def check_pipeline(self, pipe: PipeNode, context: str) -> None:
        if not pipe.commands:
            self.fail(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], start=2):
            if isinstance(command.args[0], _CONSTANTS):
                self.fail(f"non executable command in pipeline stage {stage}")

    def command(self) -> CommandNode:
        command = CommandNode(self.peek_solid().pos)
        while True:
            operand = self.operand()
            if operand is not None:
                command.args.append(operand)
            token = self.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT, Kind.RIGHT_PAREN):
                self.back(token)
            elif token.kind is not Kind.PIPE:
                self.unexpected(token, "operand")
            break
        if not command.args:
            self.fail("empty command")
        return command

    def operand(self) -> Node | None:
        """Parse a term with the fields that follow it."""
        node = self.term()
        if node is None or self.peek().kind is not Kind.FIELD:
            return node
        pos = self.peek().pos
        fields: list[str] = []
        while self.peek().kind is Kind.FIELD:
            fields.append(self.next().value[1:])
        if isinstance(node, FieldNode):
            return FieldNode(pos, (*node.fields, *fields))
        if isinstance(node, VariableNode):
            return VariableNode(pos, node.name, (*node.fields, *fields))
        if isinstance(node, _CONSTANTS):
            self.fail(f"unexpected . after term {quote(str(node))}")
        return ChainNode(pos, node, tuple(fields))

    def term(self) -> Node | None:
        token = self.next_solid()
        if token.kind is Kind.IDENTIFIER:
            return self.function(token)
        if token.kind is Kind.FIELD:
            return FieldNode(token.pos, (token.value[1:],))
        if token.kind is Kind.VARIABLE:
            return self.variable(token)
        if token.kind is Kind.LEFT_PAREN:
            return self.parenthesized()
        return self.literal(token)

    def literal(self, token: Token) -> Node | None:
        """Return the constant of a token, None (and the token put back) when it is none."""
        if token.kind in (Kind.STRING, Kind.RAW_STRING):
            return StringNode(token.pos, token.value, self.unquote(token))
        if token.kind in (Kind.NUMBER, Kind.COMPLEX, Kind.CHAR_CONSTANT):
            return self.number(token)
        if token.kind is Kind.DOT:
            return DotNode(token.pos)
        if token.kind is Kind.BOOL:
            return BoolNode(token.pos, token.value == "true")
        if token.kind is Kind.NIL:
            return NilNode(token.pos)
        self.back(token)
        return None

    def number(self, token: Token) -> NumberNode:
        read = {Kind.COMPLEX: numbers.complex_constant, Kind.CHAR_CONSTANT: numbers.character_constant}
        try:
            return read.get(token.kind, numbers.constant)(token.pos, token.value)
        except LiteralError as error:
            self.fail(str(error), token=token)

    def parenthesized(self) -> PipeNode:
        self.nest(1)
        pipe = self.pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
        self.nest(-1)
        return pipe

    def function(self, token: Token) -> IdentifierNode:
        if token.value not in self.functions:
            self.fail(f"function {quote(token.value)} not defined", token=token, hint=function_hint(token.value, self.functions))
        return IdentifierNode(token.pos, token.value)

    def variable(self, token: Token) -> VariableNode:
        if token.value not in self.variables:
            hint = (
                "a variable lives only inside one value" if len(self.variables) == 1 else suggestion(token.value, self.variables)
            )
            self.fail(f"undefined variable {quote(token.value)}", token=token, hint=hint)
        return VariableNode(token.pos, token.value)


def parse_program(name: str, text: str, functions: Collection[str]) -> Program:
    """Return the trees of a text. functions: the names that may be called. Raises: TemplateSyntaxError."""
    program = Program(name, text)
    _Parser(program, _Stream(tokenize(text)), functions, name).parse_text()
    return program
