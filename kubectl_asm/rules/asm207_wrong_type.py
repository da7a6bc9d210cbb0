"""ASM207 wrong-type: values have the type their field wants.

Why: the API server refuses a number or boolean where text belongs; unquoted braces are a YAML mapping.
Bad::

    data:
      - key: 12345  # <- ASM207
        name: pin

Good::

    data:
      - key: "12345"
        name: pin

Source: spec/api.md; spec/lint.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.manifest.documents import Path
from kubectl_asm.rules.base import Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.shape import IssueKind, ShapeIssue
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM207", "wrong-type", Severity.ERROR, topics=("wrong-type",))

_IN_QUOTES: Final = "put it in quotes"
_BRACES: Final = "unquoted braces are a YAML mapping: put the template in quotes"


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield every value of a wrong type."""
    for issue in subject.issues:
        if issue.kind is IssueKind.TYPE:
            hint = _hint(subject, issue)
            yield Hit(issue.path, f"{_name(issue.path)}: {issue.detail}", hint, change=_quote(issue.path, hint))
        elif issue.kind is IssueKind.LETTER:
            message = f"{_name(issue.path)}: kubectl reads a plain {issue.detail} as a boolean"
            change = _quote(issue.path, _IN_QUOTES)
            yield Hit(issue.path, message, _IN_QUOTES, severity=Severity.INFO, change=change)


def _quote(path: Path, hint: str) -> Change | None:
    """Quotes make the text that was meant; an interval stays wrong in quotes, for it lacks a unit."""
    return Change(ChangeKind.QUOTE, path) if hint in (_IN_QUOTES, _BRACES) and path[-1] != "rotationInterval" else None


def _name(path: Path) -> str:
    return f"{path[-2]}[{path[-1]}]" if isinstance(path[-1], int) else str(path[-1])


def _hint(subject: Subject, issue: ShapeIssue) -> str:
    value = subject.raw(issue.path)
    if (
        isinstance(value, dict)
        and len(value) == 1
        and next(iter(value.values())) is None
        and issue.detail.endswith("text belongs")
    ):
        return _BRACES
    if isinstance(value, bool | int | float):
        return _IN_QUOTES
    return "write a list: start each item with a dash" if issue.detail.endswith("a list belongs") else ""
