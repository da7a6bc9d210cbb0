"""ASM504 duplicate-object: no object is given twice.

Why: the one that is applied last wins.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: same, namespace: shop}
    spec: {data: [{key: a, name: a}]}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: same, namespace: shop}  # <- ASM504
    spec: {data: [{key: a, name: b}]}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: one, namespace: shop}
    spec: {data: [{key: a, name: a}]}

Source: spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM504", "duplicate-object", Severity.ERROR, topics=("duplicate-object",))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield the later of two objects with one kind, namespace and name."""
    first = ctx.find(subject.kind, subject.namespace, subject.name)
    if subject.name and first is not None and first is not subject:
        where = f" in namespace {subject.namespace}" if subject.namespace else ""
        yield Hit(("metadata", "name"), f"{subject.kind} {quoted(subject.name)} is given twice{where}")
