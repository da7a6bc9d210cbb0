"""ASM310 provider-mismatch: a store has the section of the provider that is read.

Why: the entry is a configuration error: another store or another provider was meant.
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
      provider: oos
      data: [{key: a, name: a, secretStoreRef: {name: kms-store}}]  # <- ASM310

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
      provider: kms
      data: [{key: a, name: a, secretStoreRef: {name: kms-store}}]

Source: spec/auth.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.backend import Provider
from kubectl_asm.rules.base import TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.references import find_store, namespaces_of, store_refs
from kubectl_asm.rules.stores import store_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM310", "provider-mismatch", Severity.ERROR, topics=("provider-mismatch",), kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references to stores of the other provider."""
    target = target_of(subject)
    assert target is not None
    provider = target.provider
    if provider is None:
        return
    for found in store_refs(target):
        for namespace in namespaces_of(target, ctx) or ("",):
            store = find_store(found, namespace, ctx)
            if store is not None and _lacks(store, provider):
                message = f"{found.kind} {quoted(found.ref.name)} has no {provider.upper()} section for provider {provider}"
                yield Hit((*found.path, "name"), message, follows=((*target.base, "provider"),))
                break


def _lacks(store: Subject, provider: Provider) -> bool:
    spec = store_of(store)
    mine, other = (spec.kms, spec.oos) if provider is Provider.KMS else (spec.oos, spec.kms)
    return mine is None and other is not None and not store.has_refused_below(("spec",))
