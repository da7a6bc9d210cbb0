"""ASM105 alias-bomb: aliases expand to at most 1,000,000 nodes.

Why: a few lines can expand to more than any memory holds.
Bad::
    a: &a [x, x, x, x, x, x, x, x, x, x]
    b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
    c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
    d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
    e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
    f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]  # anywhere: ASM105
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec: {data: *f}
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

META = RuleMeta("ASM105", "alias-bomb", Severity.ERROR, topics=("alias-bomb",), kinds=())


def check(_subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield nothing: the reader of the text reports this (rules/reading.py)."""
    return iter(())
