"""ASM701 template-syntax: templates parse.

Why: a template that does not parse stops the whole round: nothing is written.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a }"  # <- ASM701

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a }}"

Source: spec/templates.md section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template_remarks import RemarkKind
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.template_hits import template_hits

META = RuleMeta("ASM701", "template-syntax", Severity.ERROR, topics=("template-syntax",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield parse errors."""
    yield from template_hits(subject, ctx, RemarkKind.SYNTAX)
