"""ASM703 template-unknown-field: templates use fields that entries deliver.

Why: an absent field prints <no value>, or makes the key disappear.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .b }}"  # <- ASM703

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .b | default .a }}"

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

META = RuleMeta("ASM703", "template-unknown-field", Severity.WARNING, topics=("template-unknown-field",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield fields that no entry delivers and nothing guards."""
    yield from template_hits(subject, ctx, RemarkKind.FIELD)
