"""Places and findings: what readers and rules report and what reports print."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth telling: a stable code, a place, a sentence and, where possible, what to do."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    path: tuple[str | int, ...] = ()
    hint: str = ""
    related: tuple[Span, ...] = field(default=())
