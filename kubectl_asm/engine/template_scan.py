"""What can be said about a target's inline templates without any value: what a trace and rules show. Pure.

Source: spec/templates.md 2, 3.1 and 6.3; static analysis of the template engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubectl_asm.engine.forecast import raw_keys
from kubectl_asm.gotemplate import Issue, IssueKind, analyse
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings


@dataclass(frozen=True, slots=True)
class TemplateNote:
    """One remark on a template. path: its place below spec.target.template; issue: with line and column inside it."""

    path: tuple[str, ...]
    issue: Issue

    def __str__(self) -> str:
        place = f":{self.issue.place.line}:{self.issue.place.column}" if self.issue.place else ""
        return f"{'.'.join(self.path)}{place}: {self.issue.message}"

    @property
    def is_missing_field(self) -> bool:
        """Whether the template reads a field that no entry can produce and is not prepared for its absence."""
        return self.issue.kind is IssueKind.MISSING_FIELD and not self.issue.optional


def scan_templates(external: ExternalSecret, settings: Settings) -> tuple[TemplateNote, ...]:
    """Return every remark on the inline templates, in order. Fields are judged only when all keys are known."""
    keys = raw_keys(external)
    known = None if keys.open else keys.known
    return tuple(
        TemplateNote(path, issue)
        for path, text in _inline_texts(external)
        for issue in analyse(text, keys=known, profile=settings.template_functions).issues
        if issue.kind is not IssueKind.UNUSED_KEY
    )


def _inline_texts(external: ExternalSecret) -> Iterator[tuple[tuple[str, ...], str]]:
    template = external.template
    if template is None:
        return
    for key, text in template.data.items():
        yield ("data", key), text
    for key, text in template.metadata.labels.items():
        yield ("metadata", "labels", key), text
    for key, text in template.metadata.annotations.items():
        yield ("metadata", "annotations", key), text
    for index, element in enumerate(template.template_from):
        if element.literal is not None:
            yield ("templateFrom", str(index), "literal"), element.literal
