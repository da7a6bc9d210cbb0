"""ASM704 template-field-of-string: templates treat values as texts.

Why: a value is text: its fields exist only after fromJson or jsonPath, and the key is not produced.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a.user }}"  # <- ASM704

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ (fromJson .a).user }}"

Source: spec/templates.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template_remarks import RemarkKind
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.template_hits import template_hits

META = RuleMeta("ASM704", "template-field-of-string", Severity.ERROR, topics=("template-field-of-string",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield fields of values."""
    yield from template_hits(subject, ctx, RemarkKind.FIELD_OF_TEXT)
