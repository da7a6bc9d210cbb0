"""What can go wrong in a template, with its place and a text for people.

    TemplateError
    +-- TemplateSyntaxError   the text does not parse; no column is known in Go, ours is exact where possible
    +-- TemplateExecError     an execution stopped; everything printed so far is discarded
    +-- BudgetError           an execution would cost more than it may

``go_text`` is the text Go would give, byte for byte; ``render`` shows the source line with a caret. Neither holds values
other than those Go itself puts into its text. Source: spec/templates.md section 3.4.
"""

from __future__ import annotations

import msgspec


class Call(msgspec.Struct, frozen=True):
    """One template on the way to an error: its name and the place of the call that entered it (0 for the outermost)."""

    name: str
    line: int
    column: int


class TemplateError(Exception):
    """Base of all template errors.

    line: from 1; column: bytes from 0 in that line, -1 when unknown; chain: outermost template first; hint: what to do, or "".
    """

    def __init__(
        self,
        message: str,
        *,
        go_text: str,
        line: int,
        column: int = -1,
        source: str = "",
        chain: tuple[Call, ...] = (),
        hint: str = "",
    ) -> None:
        super().__init__(go_text)
        self.message = message
        self.go_text = go_text
        self.line = line
        self.column = column
        self.source = source
        self.chain = chain
        self.hint = hint

    def render(self) -> str:
        """Return several lines: the message, the source line with a caret, the chain of templates, the hint."""
        line = self._line()
        before = len(line.encode("utf-8", "surrogateescape")[: max(self.column, 0)].decode("utf-8", "replace"))
        place = f"line {self.line}" + (f", column {before + 1}" if self.column >= 0 else "")
        shown = [f"{self.message} ({place})"]
        if line:
            gutter = f"  {self.line} | "
            shown.append(gutter + line.expandtabs(1))
            shown += [" " * (len(gutter) + before) + "^"] if self.column >= 0 else []
        shown += [f"  in template {call.name!r} called at line {call.line}" for call in self.chain[1:]]
        if self.hint:
            shown.append(f"  hint: {self.hint}")
        return "\n".join(shown)

    def _line(self) -> str:
        """Return the source line of the error, "" when it is not known."""
        lines = self.source.split("\n")
        return lines[self.line - 1].rstrip("\r") if 0 < self.line <= len(lines) else ""


class TemplateSyntaxError(TemplateError):
    """The text is not a template (Go's stage ``parse``)."""


class TemplateExecError(TemplateError):
    """The execution failed (Go's stage ``exec``)."""


class BudgetError(TemplateError):
    """The execution was ended by one of the limits of ``budget.Limits``; Go has no such error."""


def line_of(text: str, pos: int) -> int:
    """Return the line, from 1, of a character offset."""
    return text.count("\n", 0, pos) + 1


def column_of(text: str, pos: int) -> int:
    """Return Go's column of a character offset: bytes from the start of the line."""
    return len(text[text.rfind("\n", 0, pos) + 1 : pos].encode("utf-8", "surrogateescape"))
