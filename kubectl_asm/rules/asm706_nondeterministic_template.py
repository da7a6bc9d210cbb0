"""ASM706 nondeterministic-template: templates give the same result every time.

Why: a result that changes rewrites the Secret in every round and restarts what watches it.
Bad::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ now }}"  # <- ASM706

Good::

    data: [{key: a, name: a}]
    target:
      template:
        data:
          x: "{{ .a | sha256sum }}"

Source: spec/templates.md section 6.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.template_remarks import RemarkKind
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject
from kubectl_asm.rules.template_hits import template_hits

META = RuleMeta("ASM706", "nondeterministic-template", Severity.WARNING, topics=("nondeterministic-template",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield functions that change every round."""
    yield from template_hits(subject, ctx, RemarkKind.UNSTABLE)
