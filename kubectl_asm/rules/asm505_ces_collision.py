"""ASM505 ces-collision: two ClusterExternalSecrets do not share a child.

Why: both write one ExternalSecret, in turns.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: license}
    spec: {externalSecretSpec: {data: [{key: a, name: a}]}, conditions: [{namespaces: [shop]}]}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: license-v2}
    spec:
      externalSecretName: license  # <- ASM505
      externalSecretSpec: {data: [{key: b, name: b}]}
      conditions: [{namespaces: [shop]}]

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: license}
    spec: {externalSecretSpec: {data: [{key: a, name: a}]}, conditions: [{namespaces: [shop]}]}

Source: spec/cluster-resources.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.expand import child_name
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.selection import selected_namespaces
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM505", "ces-collision", Severity.ERROR, topics=("ces-collision",), kinds=(CLUSTER_EXTERNAL,))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield the later of two with one child name and a common namespace."""
    obj = subject.obj
    assert isinstance(obj, ClusterExternalSecret)
    mine: set[str] | None = None
    for other in ctx.by_kind.get(CLUSTER_EXTERNAL, ()):
        if other.order >= subject.order or other.name == subject.name or not isinstance(other.obj, ClusterExternalSecret):
            continue
        if child_name(other.obj) != child_name(obj):
            continue
        mine = _names(subject, ctx) if mine is None else mine
        common = sorted(mine & _names(other, ctx))
        is_everywhere = [_selects_all(one) for one in (subject, other)]
        if common or all(is_everywhere):
            path = ("spec", "externalSecretName") if obj.spec.external_secret_name else ("metadata", "name")
            where = f"namespace {', '.join(common)}" if common else "every namespace"
            yield Hit(
                path, f"child {quoted(child_name(obj))} in {where} is also written by ClusterExternalSecret {quoted(other.name)}"
            )
            return


def _names(subject: Subject, ctx: RuleContext) -> set[str]:
    return {one.namespace.name for one in selected_namespaces(subject, ctx)}


def _selects_all(subject: Subject) -> bool:
    obj = subject.obj
    assert isinstance(obj, ClusterExternalSecret)
    return not obj.spec.conditions and not obj.spec.namespace_selectors and not subject.has_refused_below(("spec",))
