"""ASM705 template-arity: functions get as many arguments as they take.

Why: the execution fails, and the key is not produced.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ mergeJson .a }}"  # <- ASM705

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ mergeJson .a .a }}"

Source: spec/templates.md sections 3.1 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template_remarks import RemarkKind
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.template_hits import template_hits

META = RuleMeta("ASM705", "template-arity", Severity.ERROR, topics=("template-arity",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield calls with too few or too many arguments."""
    yield from template_hits(subject, ctx, RemarkKind.ARITY)
