"""ASM304 conditions: the conditions of a ClusterSecretStore admit the namespace.

Why: the controller refuses the entry in every round.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions: [{namespaces: [payments]}]
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a, secretStoreRef: {name: shared, kind: ClusterSecretStore}}]  # <- ASM304

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions: [{namespaces: [shop]}]
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a, secretStoreRef: {name: shared, kind: ClusterSecretStore}}]

Source: spec/access-control.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.access import labels_of, match_conditions
from kubectl_asm.engine.template import is_dns_label
from kubectl_asm.model.objects import Meta, Namespace
from kubectl_asm.model.stores import ClusterSecretStore, LabelSelector, NamespaceCondition
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.references import find_store, namespaces_of, store_refs
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM304", "conditions", Severity.ERROR, topics=("conditions",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references to stores that surely refuse a namespace."""
    target = target_of(subject)
    assert target is not None
    for found in store_refs(target):
        store = find_store(found, "", ctx) if found.is_cluster else None
        if store is None or not isinstance(store.obj, ClusterSecretStore) or _is_unreadable(store, store.obj):
            continue
        refused = [name for name in namespaces_of(target, ctx) if surely_refuses(store.obj.spec.conditions, name, ctx)]
        if refused:
            message = f"ClusterSecretStore {quoted(found.ref.name)} does not admit namespace {', '.join(refused)}"
            yield Hit((*found.path, "name"), message, "extend spec.conditions of the store")


def _is_unreadable(store: Subject, obj: ClusterSecretStore) -> bool:
    """What the conditions were meant to admit is not known where a name or a value among them is told as wrong."""
    names = [name for condition in obj.spec.conditions for name in condition.namespaces]
    return store.has_refused_below(("spec", "conditions")) or not all(map(is_dns_label, names))


def surely_refuses(conditions: Sequence[NamespaceCondition], name: str, ctx: RuleContext) -> bool:
    """Return whether conditions refuse a namespace whatever is not in the input.

    Without a Namespace object the labels are unknown, so a selector that is reached settles nothing.
    """
    if not conditions:
        return False
    namespace = ctx.namespace(name)
    if namespace is None:
        if any(_looks_at_labels(one.namespace_selector) for one in conditions):
            return False
        namespace = Namespace(metadata=Meta(name=name))
    verdict = match_conditions(conditions, name, labels_of(namespace), ctx.settings)
    return not verdict.allowed and not verdict.invalid


def _looks_at_labels(selector: LabelSelector | None) -> bool:
    return selector is not None and bool(selector.match_labels or selector.match_expressions)
