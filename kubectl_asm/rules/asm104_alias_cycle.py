"""ASM104 alias-cycle: no anchor contains itself.

Why: the value would be endless.
Bad::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec: &s  # <- ASM104
      data: [{key: a, name: a}]
      target: *s
Good::
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: &k a, name: *k}]
Source: spec/lint.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM104", "alias-cycle", Severity.ERROR, topics=("alias-cycle",), kinds=())


def check(_subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield nothing: the reader of the text reports this (rules/reading.py)."""
    return iter(())
