"""ASM503 shared-target: every Secret has one ExternalSecret.

Why: two of them overwrite each other in every round.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: one, namespace: shop}
    spec: {data: [{key: a, name: a}], target: {name: web}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: two, namespace: shop}
    spec: {data: [{key: a, name: a}], target: {name: web}}  # <- ASM503

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: one, namespace: shop}
    spec: {data: [{key: a, name: a}], target: {name: web-one}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: two, namespace: shop}
    spec: {data: [{key: a, name: a}], target: {name: web-two}}

Source: spec/writes-and-failures.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.rules.base import EXTERNAL_SECRET, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM503", "shared-target", Severity.WARNING, topics=("shared-target",), kinds=(EXTERNAL_SECRET,))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield the later of two ExternalSecrets with one target."""
    obj = subject.obj
    assert isinstance(obj, ExternalSecret)
    first = ctx.first_with_target.get((subject.namespace, obj.target_name))
    if not obj.target_name or first is None or first is subject or first.name == subject.name:
        return
    path = ("spec", "target", "name") if obj.spec.target.name else ("metadata", "name")
    message = f"Secret {quoted(obj.target_name)} is also the target of ExternalSecret {quoted(first.name)}"
    yield Hit(path, message, "give each its own target.name")
