"""ASM301 unknown-store: the store an entry names exists.

Why: the entry fails in every round; in a pull request a name that is one letter off is the usual cause.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms-store, namespace: shop}
    spec: {KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a, secretStoreRef: {name: kms-stor}}]  # <- ASM301

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms-store, namespace: shop}
    spec: {KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: app, namespace: shop}
    spec:
      data: [{key: a, name: a, secretStoreRef: {name: kms-store}}]

Source: spec/access-control.md section 4; spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.references import StoreRefAt, can_exist, find_store, namespaces_of, near_miss, store_refs
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM301", "unknown-store", Severity.ERROR, topics=("unknown-store",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield stores that do not exist; in an open world only near misses, as notes."""
    target = target_of(subject)
    assert target is not None
    for found in store_refs(target):
        for namespace in namespaces_of(target, ctx) or ("",):
            where = "" if found.is_cluster else found.ref.namespace or namespace
            if (where or found.is_cluster) and find_store(found, namespace, ctx) is None:
                yield from _missing(found, where, ctx)
                break


def _missing(found: StoreRefAt, namespace: str, ctx: RuleContext) -> Iterator[Hit]:
    name = found.ref.name
    if not can_exist(namespace, name):
        return
    near = near_miss(found.kind, namespace, name, ctx)
    where = f" in namespace {namespace}" if namespace else ""
    if (severity := ctx.absence(found.kind, namespace, name)) is not None:
        yield Hit((*found.path, "name"), f"{found.kind} {quoted(name)} does not exist{where}", near, severity=severity)
    elif near:
        message = f"{found.kind} {quoted(name)} is not in the input{where}, but {near}"
        yield Hit((*found.path, "name"), message, severity=Severity.INFO)
