"""Remarks of the template analysis as hits: each template rule asks for its own kind.

Source: spec/lint.md 3 (template-*).
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind
from kubectl_asm.engine.template_remarks import Remark, RemarkKind, template_remarks
from kubectl_asm.gotemplate.funcs import function_table
from kubectl_asm.rules.base import Hit
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.texts import TemplateText, delivered_fields, template_texts


def template_hits(subject: Subject, ctx: RuleContext, kind: RemarkKind) -> Iterator[Hit]:
    """Yield the remarks of one kind on every template of a subject."""
    found = subject.memo.get("template_remarks")
    if found is None:
        found = subject.memo["template_remarks"] = tuple(_remarks(subject, ctx))
    for text, remark in found:
        if remark.kind is kind:
            yield _hit(text, remark, ctx.settings.template_functions)


def _remarks(subject: Subject, ctx: RuleContext) -> Iterator[tuple[TemplateText, Remark]]:
    target = target_of(subject)
    if target is None or target.external.template is None:
        return
    fields = delivered_fields(target)
    for text in template_texts(target, ctx):
        for remark in template_remarks(text.text, fields, ctx.settings.template_functions):
            yield text, remark


def _hit(text: TemplateText, remark: Remark, profile: str) -> Hit:
    if text.subject.is_known_only and text.reference is not None:  # not a text of the input: told where it is referred to
        what = f"the {text.subject.kind}'s text: {remark.message}"
        return Hit(text.reference, what, remark.hint)
    offset = remark.offset if text.has_places else None
    change = _change(text, remark, profile) if text.has_places and remark.kind is RemarkKind.FUNCTION else None
    return Hit(text.path, remark.message, remark.hint, offset=offset, length=remark.length, subject=text.subject, change=change)


def _change(text: TemplateText, remark: Remark, profile: str) -> Change | None:
    """Write the one function that can be meant."""
    name = text.text[remark.offset : remark.offset + remark.length]
    meant = only_meant(name, function_table(profile)) if name.isalnum() else ""
    return Change(ChangeKind.INSIDE, text.path, meant, remark.offset, remark.length) if meant else None
