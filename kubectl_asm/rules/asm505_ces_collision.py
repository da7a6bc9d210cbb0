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
from kubectl_asm.engine.expand import child_name, selects
from kubectl_asm.model.objects import Meta, Namespace
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.selection import selected_namespaces
from kubectl_asm.rules.stores import selectors_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM505", "ces-collision", Severity.ERROR, topics=("ces-collision",), kinds=(CLUSTER_EXTERNAL,))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield the later of two with one child name and a common namespace."""
    obj = subject.obj
    assert isinstance(obj, ClusterExternalSecret)
    mine: frozenset[str] | None = None
    for other in ctx.by_kind.get(CLUSTER_EXTERNAL, ()):
        if other.order >= subject.order or other.name == subject.name or not isinstance(other.obj, ClusterExternalSecret):
            continue
        if child_name(other.obj) != child_name(obj):
            continue
        mine = _names(subject, ctx) if mine is None else mine
        theirs = _names(other, ctx)
        common = sorted({*_selected(other, mine, ctx), *_selected(subject, theirs, ctx)})
        is_everywhere = [_selects_all(one) for one in (subject, other)]
        if common or all(is_everywhere):
            path = ("spec", "externalSecretName") if obj.spec.external_secret_name else ("metadata", "name")
            where = f"namespace {', '.join(common)}" if common else "every namespace"
            yield Hit(
                path, f"child {quoted(child_name(obj))} in {where} is also written by ClusterExternalSecret {quoted(other.name)}"
            )
            return


def _names(subject: Subject, ctx: RuleContext) -> frozenset[str]:
    known: frozenset[str] | None = subject.memo.get("selected_names")
    if known is None:
        names = frozenset(one.namespace.name for one in selected_namespaces(subject, ctx))
        known = subject.memo["selected_names"] = names
    return known


def _selected(subject: Subject, names: frozenset[str], ctx: RuleContext) -> set[str]:
    """Return those of some namespaces that are surely selected here too: listed, or matched without a look at labels."""
    obj = subject.obj
    assert isinstance(obj, ClusterExternalSecret)
    listed = set(names & _names(subject, ctx))
    has_only_lists = obj.spec.conditions and not any(
        one.namespace_regexes or one.namespace_selector for one in obj.spec.conditions
    )
    looks_at_labels = any(one.match_labels or one.match_expressions for _, one in selectors_of(subject))
    if has_only_lists or looks_at_labels or subject.has_refused_below(("spec",)):
        return listed
    return listed | {
        name for name in names if selects(obj, ctx.namespace(name) or Namespace(metadata=Meta(name=name)), ctx.settings)
    }


def _selects_all(subject: Subject) -> bool:
    obj = subject.obj
    assert isinstance(obj, ClusterExternalSecret)
    return not obj.spec.conditions and not obj.spec.namespace_selectors and not subject.has_refused_below(("spec",))
