"""ASM303 cross-namespace: stores and credentials are used in their own namespace.

Why: newer releases refuse such references by default, and whoever writes the other namespace decides what is read.
Bad::

    data:
      - key: a
        name: a
        secretStoreRef: {name: kms, namespace: platform}  # <- ASM303

Good::

    data:
      - key: a
        name: a
        secretStoreRef: {name: kms, namespace: shop}

Source: spec/access-control.md sections 1 and 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine import access
from kubectl_asm.engine.template import is_dns_label
from kubectl_asm.manifest.documents import Path
from kubectl_asm.model.backend import Refusal
from kubectl_asm.rules.base import SECRET_STORE, TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, Target, target_of
from kubectl_asm.rules.references import namespaces_of, store_refs
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM303", "cross-namespace", Severity.WARNING, topics=("cross-namespace",), kinds=(*TARGETS, SECRET_STORE))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references into another namespace: errors where the switch is off."""
    if subject.is_refused(("metadata", "namespace")) or (subject.namespace and not is_dns_label(subject.namespace)):
        return  # where it lies is not known
    if subject.kind == SECRET_STORE:
        yield from _auth_refs(subject, ctx)
        return
    target = target_of(subject)
    assert target is not None
    for found in store_refs(target):
        other = next((one for one in _places(target, ctx) if one != found.ref.namespace), None)
        if found.is_cluster or not is_dns_label(found.ref.namespace) or other is None:
            continue
        refusal = access.cross_namespace_store(other, found.ref.namespace, found.ref.name, ctx.settings)
        what = f"SecretStore {quoted(found.ref.name)} of namespace {found.ref.namespace} is used from namespace {other}"
        yield _hit((*found.path, "namespace"), what, refusal, "enableCrossNamespaceSecretStore")


def _places(target: Target, ctx: RuleContext) -> tuple[str, ...]:
    return namespaces_of(target, ctx)


def _auth_refs(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    for at in auths_of(subject):
        refs = (
            ("serviceAccountRef", "ServiceAccount", at.auth.service_account_ref),
            ("accessKey", "Secret", at.auth.access_key),
            ("accessKeySecret", "Secret", at.auth.access_key_secret),
        )
        for field_name, kind, ref in refs:
            if ref is None or not is_dns_label(ref.namespace) or ref.namespace == subject.namespace:
                continue
            refusal = access.cross_namespace_auth_ref(subject.namespace, ref.namespace, f"{kind} {ref.name}", ctx.settings)
            what = f"{kind} {quoted(ref.name)} of namespace {ref.namespace} is used by a SecretStore of {subject.namespace}"
            yield _hit((*at.path, field_name, "namespace"), what, refusal, "enableCrossNamespaceAuthRef")


def _hit(path: Path, what: str, refusal: Refusal | None, switch: str) -> Hit:
    if refusal is not None:
        return Hit(path, f"{what}, which {switch}=false refuses", f"set command.{switch} or move it", severity=Severity.ERROR)
    return Hit(path, what, f"releases from 0.6.4 on refuse this unless command.{switch} is true")
