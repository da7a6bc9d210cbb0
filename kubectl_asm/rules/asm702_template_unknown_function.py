"""ASM702 template-unknown-function: templates call functions and templates that exist.

Why: an undefined function is a parse error and an undefined template ends the round; Helm has functions of its own, which are
not here, and a template that another value defines is not visible.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a | toUpper }}"  # <- ASM702

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a | upper }}"

Source: spec/templates.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template_remarks import RemarkKind
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.template_hits import template_hits

META = RuleMeta("ASM702", "template-unknown-function", Severity.ERROR, topics=("template-unknown-function",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield functions the profile does not have, and calls of templates that the same value does not define."""
    yield from template_hits(subject, ctx, RemarkKind.FUNCTION)
