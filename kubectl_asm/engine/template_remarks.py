"""Everything rules say about one template text, with offsets. Pure; the answers are those of the engine's own analysis.

Source: spec/templates.md 2, 3.1, 6.3; spec/lint.md 3 (template-*).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from kubectl_asm.engine.template_calls import call_issues
from kubectl_asm.engine.template_places import syntax_place
from kubectl_asm.gotemplate import IssueKind, TemplateSyntaxError
from kubectl_asm.gotemplate.funcs import function_table
from kubectl_asm.gotemplate.parser import Program, parse_program
from kubectl_asm.gotemplate.scan import analyse_program

_FIRST_FIELD = re.compile(r"(?:\$\w*)?\.\w+")


class RemarkKind(enum.Enum):
    """One kind a rule."""

    SYNTAX = "syntax"
    FUNCTION = "function"
    FIELD = "field"
    FIELD_OF_TEXT = "field-of-text"
    ARITY = "arity"
    UNSTABLE = "unstable"


class Remark(msgspec.Struct, frozen=True):
    """One remark. offset, length: characters of the template."""

    kind: RemarkKind
    message: str
    offset: int
    length: int
    hint: str = ""


@lru_cache(maxsize=4096)
def template_remarks(text: str, fields: frozenset[str] | None, profile: str) -> tuple[Remark, ...]:
    """Return the remarks on a text. fields: what the data has, None when that is not known."""
    if "{{" not in text:
        return ()
    try:
        program = parse_program("", text, _Everything())
    except TemplateSyntaxError as error:
        offset, length = syntax_place(text, error)
        return (Remark(RemarkKind.SYNTAX, error.message, offset, length, error.hint),)
    except RecursionError:
        return (Remark(RemarkKind.SYNTAX, "nested too deeply", 0, 1),)
    return (*_issues(program, text, fields, profile), *_calls(program, profile))


class _Everything(frozenset[str]):
    """A set that has every name: unknown functions are remarks of their own."""

    def __contains__(self, _name: object) -> bool:
        return True


def _issues(program: Program, text: str, fields: frozenset[str] | None, profile: str) -> Iterator[Remark]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for issue in analyse_program(program, keys=fields, profile=profile).issues:
        if issue.place is None:
            continue
        begin = starts[issue.place.line - 1] + issue.place.column - 1
        end = starts[issue.place.end_line - 1] + issue.place.end_column - 1
        if issue.kind in (IssueKind.UNKNOWN_FUNCTION, IssueKind.UNKNOWN_TEMPLATE):
            yield Remark(RemarkKind.FUNCTION, issue.message, begin, end - begin, issue.hint)
        elif issue.kind is IssueKind.MISSING_FIELD and not issue.optional:
            yield Remark(RemarkKind.FIELD, issue.message, begin, _field_length(text, begin, end), issue.hint)
        elif issue.kind is IssueKind.FIELD_OF_TEXT:
            yield Remark(RemarkKind.FIELD_OF_TEXT, issue.message, begin, len(issue.subject) + 1, issue.hint)


def _field_length(text: str, begin: int, end: int) -> int:
    match = _FIRST_FIELD.match(text, begin)
    return len(match[0]) if match else end - begin


def _calls(program: Program, profile: str) -> Iterator[Remark]:
    for issue in call_issues(program, function_table(profile)):
        kind = RemarkKind.ARITY if issue.is_arity else RemarkKind.UNSTABLE
        yield Remark(kind, issue.message, issue.offset, len(issue.name))
