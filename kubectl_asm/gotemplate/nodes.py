"""The tree of a template. Every node knows its character offset and prints itself back the way Go does.

Built by ``parser.py``; read by ``compiler.py`` and ``scan.py``. ``str(node)`` is the NODE of Go's ``at <NODE>``.
"""

from __future__ import annotations

import msgspec

from kubectl_asm.gotemplate.quoting import quote


class Node(msgspec.Struct, eq=False):
    """Base of all nodes. pos: offset in the template text, in characters."""

    pos: int


class ListNode(Node, eq=False):
    """A sequence of text and actions."""

    items: list[Node] = msgspec.field(default_factory=list)

    def __str__(self) -> str:
        return "".join(map(str, self.items))


class TextNode(Node, eq=False):
    """Plain text, after trimming."""

    text: str

    def __str__(self) -> str:
        return self.text


class IdentifierNode(Node, eq=False):
    """The name of a function."""

    name: str

    def __str__(self) -> str:
        return self.name


class VariableNode(Node, eq=False):
    """``$x`` with the fields that follow it. name includes the dollar sign."""

    name: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


class DotNode(Node, eq=False):
    """The cursor."""

    def __str__(self) -> str:
        return "."


class NilNode(Node, eq=False):
    """The constant ``nil``."""

    def __str__(self) -> str:
        return "nil"


class FieldNode(Node, eq=False):
    """``.a.b``; the offset is that of the second field where there is one, as in Go."""

    fields: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.fields)


class ChainNode(Node, eq=False):
    """``(pipeline).a.b`` or ``function.a``; the offset is that of the first field."""

    node: Node
    fields: tuple[str, ...]

    def __str__(self) -> str:
        inner = f"({self.node})" if isinstance(self.node, PipeNode) else str(self.node)
        return inner + "".join(f".{name}" for name in self.fields)


class BoolNode(Node, eq=False):
    """``true`` or ``false``."""

    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


class NumberNode(Node, eq=False):
    """An untyped numeric constant; each attribute is set when the number is exact in that type."""

    text: str
    int_value: int | None = None
    uint_value: int | None = None
    float_value: float | None = None
    complex_value: complex | None = None

    def __str__(self) -> str:
        return self.text


class StringNode(Node, eq=False):
    """A string constant with its spelling."""

    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


class CommandNode(Node, eq=False):
    """One stage of a pipeline: an operand with its arguments."""

    args: list[Node] = msgspec.field(default_factory=list)

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, PipeNode) else str(arg) for arg in self.args)


class PipeNode(Node, eq=False):
    """A pipeline, optionally declaring (``:=``) or assigning (``=``) variables."""

    is_assign: bool = False
    variables: list[VariableNode] = msgspec.field(default_factory=list)
    commands: list[CommandNode] = msgspec.field(default_factory=list)

    def __str__(self) -> str:
        sign = " = " if self.is_assign else " := "
        head = ", ".join(map(str, self.variables)) + sign if self.variables else ""
        return head + " | ".join(map(str, self.commands))


class ActionNode(Node, eq=False):
    """``{{ pipeline }}``."""

    pipe: PipeNode

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


class BranchNode(Node, eq=False):
    """``if``, ``with`` or ``range`` (the keyword) with its body and optional else body."""

    keyword: str
    pipe: PipeNode
    body: ListNode
    else_body: ListNode | None

    def __str__(self) -> str:
        tail = "" if self.else_body is None else f"{{{{else}}}}{self.else_body}"
        return f"{{{{{self.keyword} {self.pipe}}}}}{self.body}{tail}{{{{end}}}}"


class JumpNode(Node, eq=False):
    """``break`` or ``continue`` (the keyword)."""

    keyword: str

    def __str__(self) -> str:
        return f"{{{{{self.keyword}}}}}"


class TemplateNode(Node, eq=False):
    """``{{ template "name" pipeline }}``, also what ``block`` leaves in its place."""

    name: str
    pipe: PipeNode | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return f"{{{{template {quote(self.name)}{argument}}}}}"


def is_empty(node: Node) -> bool:
    """Whether a body holds nothing but white space: such a definition neither replaces nor conflicts."""
    if isinstance(node, ListNode):
        return all(is_empty(item) for item in node.items)
    return isinstance(node, TextNode) and not node.text.strip(_GO_SPACE)


_GO_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
