"""Places and findings: what readers and rules report and what reports print."""

from __future__ import annotations

import enum

import msgspec


class Span(msgspec.Struct, frozen=True):
    """A range of text. Lines and columns are 1-based and count characters; the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(enum.StrEnum):
    """How serious a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class ChangeKind(enum.Enum):
    """What a fix does to one node of a document."""

    RENAME = "rename"
    VALUE = "value"
    QUOTE = "quote"
    REMOVE = "remove"
    INSIDE = "inside"


class Change(msgspec.Struct, frozen=True):
    """One change of one node, by path in its document.

    text: the new key, value or part; QUOTE makes text of what is written, REMOVE needs none. offset, length: the part of the
    decoded value that INSIDE replaces. occurrence: which of several equal keys REMOVE takes, counted from 0.
    """

    kind: ChangeKind
    path: tuple[str | int, ...]
    text: str = ""
    offset: int = 0
    length: int = 0
    occurrence: int = 0


class Edit(msgspec.Struct, frozen=True):
    """Replace the characters of a range by a text; an empty text removes them."""

    span: Span
    text: str


class Fix(msgspec.Struct, frozen=True):
    """The one right answer to a finding: what is done, as text to replace and as a change of a node, for the proof."""

    title: str
    edit: Edit
    change: Change


class Finding(msgspec.Struct, frozen=True):
    """One thing worth telling: a stable code, a place, a sentence and, where possible, what to do."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    path: tuple[str | int, ...] = ()
    hint: str = ""
    related: tuple[Span, ...] = msgspec.field(default=())
    fix: Fix | None = None
