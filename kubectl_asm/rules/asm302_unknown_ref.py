"""ASM302 unknown-ref: ServiceAccounts, Secrets, ConfigMaps and keys that are referred to exist.

Why: credentials or template sources cannot be read, and the entry or the whole round fails.
Bad::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: kms-reader, namespace: shop, annotations: {ack.alibabacloud.com/role-arn: "acs:ram::11:role/one"}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {serviceAccountRef: {name: kms-readr}}}}  # <- ASM302

Good::

    apiVersion: v1
    kind: ServiceAccount
    metadata: {name: kms-reader, namespace: shop, annotations: {ack.alibabacloud.com/role-arn: "acs:ram::11:role/one"}}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {serviceAccountRef: {name: kms-reader}}}}

Source: spec/auth.md sections 4.1 and 4.3; spec/templates.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.objects import ConfigMap, Secret
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, target_of
from kubectl_asm.rules.near import did_you_mean, near_names
from kubectl_asm.rules.references import can_exist, namespaces_of, near_miss
from kubectl_asm.rules.stores import AuthAt, auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM302", "unknown-ref", Severity.ERROR, topics=("unknown-ref",))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references that lead nowhere; in an open world only near misses, as notes."""
    for at in auths_of(subject):
        yield from _auth(at, subject, ctx)
    target = target_of(subject)
    if target is None or target.external.template is None:
        return
    for index, element in enumerate(target.external.template.template_from):
        path = (*target.template_path, "templateFrom", index)
        name, kind = ("configMap", "ConfigMap") if element.config_map is not None else ("secret", "Secret")
        source = element.config_map or element.secret
        if source is not None and source.name:
            for namespace in namespaces_of(target, ctx):
                keys = tuple(((*path, name, "items", number, "key"), item.key) for number, item in enumerate(source.items))
                hits = list(_object((*path, name, "name"), kind, namespace, source.name, keys, ctx))
                yield from hits
                if hits:
                    break


def _auth(at: AuthAt, subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    account = at.auth.service_account_ref
    if account is not None:
        namespace = account.namespace or subject.namespace
        if account.name and namespace:
            yield from _object((*at.path, "serviceAccountRef", "name"), "ServiceAccount", namespace, account.name, (), ctx)
        return
    for name, ref in (("accessKey", at.auth.access_key), ("accessKeySecret", at.auth.access_key_secret)):
        if ref is not None and ref.name and (namespace := ref.namespace or subject.namespace):
            keys = (((*at.path, name, "key"), ref.key),)
            yield from _object((*at.path, name, "name"), "Secret", namespace, ref.name, keys, ctx)


def _object(
    path: Path, kind: str, namespace: str, name: str, keys: tuple[tuple[Path, str], ...], ctx: RuleContext
) -> Iterator[Hit]:
    found = ctx.find(kind, namespace, name)
    if found is None:
        yield from _missing(path, kind, namespace, name, ctx)
        return
    if not isinstance(found.obj, ConfigMap | Secret) or (kind == "Secret" and _is_target(namespace, name, ctx)):
        return
    for key_path, key in keys:
        if key and key not in found.obj.data:
            near = near_names(key, found.obj.data)
            message = f"{kind} {quoted(name)} of namespace {namespace} has no key {quoted(key)}"
            if ctx.closed_world or found.is_known_only:
                severity = Severity.ERROR if ctx.closed_world else Severity.WARNING
                yield Hit(key_path, message, did_you_mean(near), severity=severity)
            elif near:
                yield Hit(key_path, f"{message}; it has {', '.join(near)}", severity=Severity.INFO)


def _missing(path: Path, kind: str, namespace: str, name: str, ctx: RuleContext) -> Iterator[Hit]:
    if (kind == "Secret" and _is_target(namespace, name, ctx)) or not can_exist(namespace, name):
        return
    near = near_miss(kind, namespace, name, ctx)
    if (severity := ctx.absence(kind, namespace, name)) is not None:
        yield Hit(path, f"{kind} {quoted(name)} does not exist in namespace {namespace}", near, severity=severity)
    elif near:
        message = f"{kind} {quoted(name)} is not in the input in namespace {namespace}, but {near}"
        yield Hit(path, message, severity=Severity.INFO)


def _is_target(namespace: str, name: str, ctx: RuleContext) -> bool:
    """Whether an ExternalSecret of the input writes that Secret."""
    return (namespace, name) in ctx.first_with_target
