"""The second stage: tokens to trees, one per defined template, with Go's error texts.

A parse needs only the names of the functions that exist. ``compiler.py`` and ``scan.py`` take the result.
Source: spec/templates.md sections 3.1, 3.3 and 3.4; Go text/template/parse.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from kubectl_asm.gotemplate import nodes, numbers
from kubectl_asm.gotemplate.errors import TemplateSyntaxError, column_of, line_of
from kubectl_asm.gotemplate.hints import function_hint, name_hint, suggestion
from kubectl_asm.gotemplate.lexer import Kind, Token, adjacent, describe, tokenize
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


class Program(msgspec.Struct):
    """What a text defines. trees: template name to body; the text itself is the tree of its name."""

    name: str
    text: str
    trees: dict[str, ListNode] = msgspec.field(default_factory=dict)


class _Closer(Node, eq=False):
    """``{{end}}`` or ``{{else}}`` (the keyword); chained: the keyword right behind the else; last: the last token looked at."""

    keyword: str
    chained: str
    last: Token

    def __str__(self) -> str:
        return f"{{{{{self.keyword}}}}}"


_CONSTANTS: Final = (BoolNode, DotNode, NilNode, NumberNode, StringNode)


class _Parser:
    """Parses one definition. Like Go's, each has its own variables and range depth.

    at: the index of the next token. action: the offset of the action being parsed, None outside of one.
    looked_ahead: the index of the token that was read to see that a variable is not being declared.
    """

    def __init__(
        self, program: Program, tokens: Sequence[Token], at: int, functions: Collection[str], name: str, depth: int = 0
    ) -> None:
        self.program = program
        self.tokens = tokens
        self.at = at
        self.functions = functions
        self.name = name
        self.variables = ["$"]
        self.action: int | None = None
        self.looked_ahead = -1
        self.range_depth = 0
        self.depth = depth

    # --- errors

    def fail(self, message: str, token: Token, *, newest: Token | None = None, hint: str = "") -> NoReturn:
        """Stop with an error about a token.

        newest: the token that Go has read last, when that is another; Go names its line. Our column is that of the token
        where it lies on that line.
        """
        text, (_kind, pos, _value) = self.program.text, token
        line = line_of(text, pos if newest is None else newest[1])
        column = column_of(text, pos) if line_of(text, pos) == line else -1
        go_text = f"template: {self.program.name}:{line}: {message}"
        raise TemplateSyntaxError(message, go_text=go_text, line=line, column=column, source=text, hint=hint)

    def unexpected(self, token: Token, context: str) -> NoReturn:
        kind, pos, value = token
        if kind != Kind.ERROR:
            self.fail(f"unexpected {describe(token)} in {context}", token)
        extra, text = "", self.program.text
        if self.action is not None and (line := line_of(text, self.action)) != line_of(text, pos):
            extra = f" in action started at {self.program.name}:{line}"
            if value.endswith(" action"):
                extra = extra.removeprefix(" in action")
        self.fail(f"{value}{extra}", token, hint=name_hint(text, pos, value))

    def expect(self, kind: str, context: str) -> Token:
        """Return the next token, which must be of that kind."""
        token = self.tokens[self.at]
        if token[0] != kind:
            self.unexpected(token, context)
        self.at += 1
        return token

    def nest(self, token: Token) -> None:
        """Go one level deeper; the caller comes back up."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.fail("max expression depth exceeded", token)

    # --- definitions

    def parse_text(self) -> None:
        """Parse the whole text: its own tree and every definition in it."""
        root = ListNode(self.tokens[0][1], [])
        while (token := self.tokens[self.at])[0] != Kind.EOF:
            if token[0] == Kind.LEFT and self.tokens[self.at + 1][::2] == (Kind.KEYWORD, "define"):
                self.definition()
                continue
            node = self.text_or_action(token)
            if isinstance(node, _Closer):
                self.fail(f"unexpected {node}", node.last)
            root.items.append(node)
        self.define(root, token)

    def definition(self) -> None:
        """Parse a ``define``, whose delimiter comes next."""
        context = "define clause"
        inner = _Parser(self.program, self.tokens, self.at + 2, self.functions, "definition")
        inner.name = inner.template_name(context)[1]
        inner.expect(Kind.RIGHT, context)
        self.at = inner.parse_body(context, None)

    def parse_body(self, context: str, place: Token | None) -> int:
        """Parse up to the end of a definition, register it and return the index behind it.

        place: where Go reports a stray else, when that is not where it stands.
        """
        body, closer = self.item_list()
        if closer.keyword != "end":
            self.fail(f"unexpected {closer} in {context}", place or closer.last)
        self.define(body, closer.last)
        return self.at

    def define(self, body: ListNode, last: Token) -> None:
        """Register a body, of which last is the end; a blank one never replaces or conflicts."""
        existing = self.program.trees.get(self.name)
        if existing is None or nodes.is_empty(existing):
            self.program.trees[self.name] = body
        elif not nodes.is_empty(body):
            self.fail(f"template: multiple definition of template {quote(self.name)}", last)

    # --- statements

    def item_list(self) -> tuple[ListNode, _Closer]:
        """Parse text and actions up to the ``end`` or ``else`` that closes them."""
        token = self.tokens[self.at]
        body = ListNode(token[1], [])
        self.nest(token)
        while (token := self.tokens[self.at])[0] != Kind.EOF:
            node = self.text_or_action(token)
            if isinstance(node, _Closer):
                self.depth -= 1
                return body, node
            body.items.append(node)
        return self.fail("unexpected EOF", token, hint="an action is missing its {{ end }}")

    def text_or_action(self, token: Token) -> Node:
        """Parse what begins with the token, which comes next."""
        kind, pos, value = token
        if kind == Kind.TEXT:
            self.at += 1
            return TextNode(pos, value)
        if kind != Kind.LEFT:
            self.unexpected(token, "input")
        self.at += 1
        self.action = pos
        kind, pos, value = token = self.tokens[self.at]
        if kind == Kind.KEYWORD and value != "define":
            self.at += 1
            node = self.keyword(token)
        else:
            node = ActionNode(pos, self.pipeline("command", Kind.RIGHT))
        self.action = None
        return node

    def keyword(self, token: Token) -> Node:
        """Parse the action that begins with the keyword, which was the last token."""
        word = token[2]
        if word in ("if", "with", "range"):
            return self.branch(word)
        if word in ("break", "continue"):
            return self.jump(token)
        if word == "template":
            return self.template_call()
        if word == "block":
            return self.block()
        if word == "end":
            right = self.expect(Kind.RIGHT, "end")
            return _Closer(right[1], "end", "", right)
        return self.else_closer()

    def jump(self, token: Token) -> JumpNode:
        _kind, pos, word = token
        action = f"{{{{{word}}}}}"
        right = self.expect(Kind.RIGHT, action)
        if self.range_depth == 0:
            self.fail(f"{action} outside {{{{range}}}}", token, newest=right)
        return JumpNode(pos, word)

    def else_closer(self) -> _Closer:
        kind, pos, value = token = self.tokens[self.at]
        if kind == Kind.KEYWORD and value in ("if", "with"):
            return _Closer(pos, "else", value, token)
        right = self.expect(Kind.RIGHT, "else")
        return _Closer(right[1], "else", "", right)

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
            self.at += 1
            self.nest(closer.last)
            chained = self.branch(keyword)
            self.depth -= 1
            return ListNode(closer.pos, [chained])
        body, end = self.item_list()
        if end.keyword != "end":
            self.fail(f"expected end; found {end}", end.last)
        return body

    def template_call(self) -> TemplateNode:
        context = "template clause"
        pos, name = self.template_name(context)
        if self.tokens[self.at][0] == Kind.RIGHT:
            self.at += 1
            return TemplateNode(pos, name, None)
        return TemplateNode(pos, name, self.pipeline(context, Kind.RIGHT))

    def block(self) -> TemplateNode:
        """Parse ``block``: a definition and its call in one."""
        context = "block clause"
        pos, name = self.template_name(context)
        pipe = self.pipeline(context, Kind.RIGHT)
        inner = _Parser(self.program, self.tokens, self.at, self.functions, name, self.depth)
        self.at = inner.parse_body(context, self.tokens[self.at - 1])
        return TemplateNode(pos, name, pipe)

    def template_name(self, context: str) -> tuple[int, str]:
        """Return the offset and the text of the name that comes next."""
        token = self.tokens[self.at]
        if token[0] not in (Kind.STRING, Kind.RAW_STRING):
            self.unexpected(token, context)
        self.at += 1
        return token[1], self.unquote(token)

    def unquote(self, token: Token) -> str:
        try:
            return unquote(token[2])
        except LiteralError as error:
            self.fail(str(error), token)

    # --- pipelines

    def pipeline(self, context: str, closing: str) -> PipeNode:
        tokens = self.tokens
        kind, pos, _value = token = tokens[self.at]
        pipe = PipeNode(pos, False, [], [])
        if kind == Kind.VARIABLE:
            self.declarations(pipe, context)
        commands = pipe.commands
        while (kind := (token := tokens[self.at])[0]) != closing:
            if kind not in _TERMS:
                self.unexpected(token, context)
            commands.append(self.command(token))
        self.at += 1
        if not commands:
            self.fail(f"missing value for {context}", token)
        if len(commands) > 1:
            self.check_stages(commands, token)
        return pipe

    def declarations(self, pipe: PipeNode, context: str) -> None:
        """Parse ``$x :=``, ``$x =``, and in a range ``$i, $x :=``."""
        while (variable := self.tokens[self.at])[0] == Kind.VARIABLE:
            kind, _pos, value = operator = self.tokens[self.at + 1]
            if kind in (Kind.ASSIGN, Kind.DECLARE):
                pipe.is_assign = kind == Kind.ASSIGN
                self.at += 2
                self._declare(pipe, variable)
                return
            if kind != Kind.CHAR or value != ",":
                self.looked_ahead = self.at + 1
                return
            self.at += 2
            self._declare(pipe, variable)
            if context != "range" or len(pipe.variables) >= 2:
                self.fail(f"too many declarations in {context}", variable, newest=operator)
            following = self.tokens[self.at]
            if following[0] not in (Kind.VARIABLE, Kind.RIGHT, Kind.RIGHT_PAREN):
                self.fail("range can only initialize variables", variable, newest=following)

    def _declare(self, pipe: PipeNode, variable: Token) -> None:
        _kind, pos, name = variable
        pipe.variables.append(VariableNode(pos, name))
        self.variables.append(name)

    def check_stages(self, commands: Sequence[CommandNode], closing: Token) -> None:
        """Refuse constants behind a pipe: they take no value."""
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.args[0], _CONSTANTS):
                self.fail(f"non executable command in pipeline stage {stage}", closing)

    def command(self, token: Token) -> CommandNode:
        """Parse operands, of which the token begins the first, up to the end of the pipeline or past the next pipe."""
        tokens = self.tokens
        command = CommandNode(token[1], [])
        while True:
            command.args.append(self.operand(token))
            token = tokens[self.at]
            kind = token[0]
            if kind in _TERMS and not adjacent(tokens[self.at - 1], token):
                continue
            if kind == Kind.PIPE:
                self.at += 1
            elif kind not in (Kind.RIGHT, Kind.RIGHT_PAREN):
                self.unexpected(token, "operand")
            return command

    # --- operands

    def operand(self, token: Token) -> Node:
        """Parse the term that begins with the token, with the fields that follow it."""
        self.at += 1
        node = _TERMS[token[0]](self, token)
        following = self.tokens[self.at]
        if following[0] == Kind.FIELD and adjacent(self.tokens[self.at - 1], following):
            return self.chain(node, following)
        return node

    def chain(self, node: Node, first: Token) -> Node:
        """Parse the fields behind a term; first: the first of them."""
        pos, token, names = first[1], first, []
        while token[0] == Kind.FIELD and adjacent(self.tokens[self.at - 1], token):
            names.append(token[2][1:])
            self.at += 1
            token = self.tokens[self.at]
        if isinstance(node, FieldNode):
            return FieldNode(pos, (*node.fields, *names))
        if isinstance(node, VariableNode):
            return VariableNode(pos, node.name, (*node.fields, *names))
        if isinstance(node, _CONSTANTS):
            self.fail(f"unexpected . after term {quote(str(node))}", self.behind_fields(token))
        return ChainNode(pos, node, tuple(names))

    def behind_fields(self, following: Token) -> Token:
        """Return what Go reads to see that a chain of fields is over: the white space, where there is any."""
        last = self.tokens[self.at - 1]
        end = last[1] + len(last[2])
        is_trim_marker = self.program.text.startswith("-}}", end + 1)
        return following if adjacent(last, following) or is_trim_marker else (Kind.TEXT, end, "")

    def field(self, token: Token) -> FieldNode:
        return FieldNode(token[1], (token[2][1:],))

    def string(self, token: Token) -> StringNode:
        return StringNode(token[1], token[2], self.unquote(token))

    def dot(self, token: Token) -> DotNode:
        return DotNode(token[1])

    def boolean(self, token: Token) -> BoolNode:
        return BoolNode(token[1], token[2] == "true")

    def nil(self, token: Token) -> NilNode:
        return NilNode(token[1])

    def number(self, token: Token) -> NumberNode:
        kind, pos, value = token
        read = {Kind.COMPLEX: numbers.complex_constant, Kind.CHAR_CONSTANT: numbers.character_constant}
        try:
            return read.get(kind, numbers.constant)(pos, value)
        except LiteralError as error:
            self.fail(str(error), token)

    def parenthesized(self, token: Token) -> PipeNode:
        self.nest(token)
        pipe = self.pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
        self.depth -= 1
        return pipe

    def function(self, token: Token) -> IdentifierNode:
        _kind, pos, name = token
        if name not in self.functions:
            self.fail(f"function {quote(name)} not defined", token, hint=function_hint(name, self.functions))
        return IdentifierNode(pos, name)

    def variable(self, token: Token) -> VariableNode:
        _kind, pos, name = token
        if name not in self.variables:
            lone = "a variable lives only inside one value"
            hint = lone if len(self.variables) == 1 else suggestion(name, self.variables)
            newest = self.tokens[self.at] if self.looked_ahead == self.at else token
            self.fail(f"undefined variable {quote(name)}", token, newest=newest, hint=hint)
        return VariableNode(pos, name)


_TERMS: Final[Mapping[str, Callable[[_Parser, Token], Node]]] = {
    Kind.IDENTIFIER: _Parser.function,
    Kind.FIELD: _Parser.field,
    Kind.VARIABLE: _Parser.variable,
    Kind.LEFT_PAREN: _Parser.parenthesized,
    Kind.STRING: _Parser.string,
    Kind.RAW_STRING: _Parser.string,
    Kind.NUMBER: _Parser.number,
    Kind.COMPLEX: _Parser.number,
    Kind.CHAR_CONSTANT: _Parser.number,
    Kind.DOT: _Parser.dot,
    Kind.BOOL: _Parser.boolean,
    Kind.NIL: _Parser.nil,
}
"""The tokens that begin an operand, and what reads each."""


def parse_program(name: str, text: str, functions: Collection[str]) -> Program:
    """Return the trees of a text. functions: the names that may be called. Raises: TemplateSyntaxError."""
    program = Program(name, text)
    _Parser(program, tokenize(text), 0, functions, name).parse_text()
    return program
