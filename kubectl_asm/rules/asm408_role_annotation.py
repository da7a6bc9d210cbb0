"""ASM408 role-annotation: the ServiceAccount of a store carries its RAM role.

Why: without the annotation no credentials can be had.
Bad::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: reader, namespace: shop}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {serviceAccountRef: {name: reader}}}}  # <- ASM408

Good::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: reader, namespace: shop, annotations: {ack.alibabacloud.com/role-arn: "acs:ram::11:role/one"}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {serviceAccountRef: {name: reader}}}}

Source: spec/auth.md section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.objects import ROLE_ARN_ANNOTATION, ServiceAccount
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM408", "role-annotation", Severity.ERROR, topics=("auth",), kinds=STORES)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references to ServiceAccounts of the input that name no role."""
    for at in auths_of(subject):
        ref = at.auth.service_account_ref
        found = ctx.find("ServiceAccount", ref.namespace or subject.namespace, ref.name) if ref is not None else None
        obj = found.obj if found is not None else None
        if ref is not None and isinstance(obj, ServiceAccount) and not obj.metadata.annotations.get(ROLE_ARN_ANNOTATION):
            message = f"ServiceAccount {quoted(ref.name)} has no annotation {ROLE_ARN_ANNOTATION}"
            yield Hit((*at.path, "serviceAccountRef", "name"), message, "annotate it with the ARN of its RAM role")
