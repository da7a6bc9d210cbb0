"""ASM509 takeover: nothing that exists already is silently taken over.

Why: the child of a ClusterExternalSecret replaces an ExternalSecret of the same name, and a new ExternalSecret writes over a
Secret that somebody else made.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: license, namespace: shop}
    spec: {data: [{key: mine, name: a}]}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: license}  # <- ASM509
    spec: {externalSecretSpec: {data: [{key: a, name: a}]}, conditions: [{namespaces: [shop]}]}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ExternalSecret
    metadata: {name: license, namespace: shop}
    spec: {data: [{key: mine, name: a}]}
    ---
    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: license}
    spec:
      externalSecretName: shared-license
      externalSecretSpec: {data: [{key: a, name: a}]}
      conditions: [{namespaces: [shop]}]

Source: spec/cluster-resources.md section 4; spec/operation.md section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.manifest.documents import Path
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, EXTERNAL_SECRET, TARGETS, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext, Target, target_of
from kubectl_asm.rules.references import namespaces_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM509", "takeover", Severity.INFO, kinds=TARGETS)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield children that replace a foreign object (a warning where it is live) and Secrets that would be adopted."""
    target = target_of(subject)
    assert target is not None
    if subject.kind == CLUSTER_EXTERNAL:
        yield from _child(target, ctx)
    else:
        yield from _secret(target, ctx)


def _child(target: Target, ctx: RuleContext) -> Iterator[Hit]:
    name = target.external.name
    for namespace in namespaces_of(target, ctx):
        other = ctx.find(EXTERNAL_SECRET, namespace, name)
        if other is None or _is_owned(other, CLUSTER_EXTERNAL, target.subject.name):
            continue
        where = "the cluster" if other.is_known_only else "the input"
        message = (
            f"its child replaces ExternalSecret {quoted(name)} of namespace {namespace}, which {where} holds for another owner"
        )
        severity = Severity.WARNING if other.is_known_only else None
        path: Path = (
            ("spec", "externalSecretName") if target.subject.has(("spec", "externalSecretName")) else ("metadata", "name")
        )
        yield Hit(path, message, "choose another externalSecretName, or remove the object first", severity=severity)
        return


def _secret(target: Target, ctx: RuleContext) -> Iterator[Hit]:
    """A Secret that is there before its ExternalSecret is somebody else's."""
    name = target.external.target_name
    other = ctx.find("Secret", target.namespace, name)
    if other is None or not other.is_known_only or not ctx.is_absent(EXTERNAL_SECRET, target.namespace, target.external.name):
        return
    path: Path = (*target.base, "target", "name") if target.external.spec.target.name else ("metadata", "name")
    message = f"Secret {quoted(name)} exists in namespace {target.namespace} and would be taken over"
    yield Hit(path, message, "sync needs --adopt; a controller writes at once", severity=Severity.WARNING)


def _is_owned(subject: Subject, kind: str, name: str) -> bool:
    owners = subject.raw(("metadata", "ownerReferences"))
    return isinstance(owners, list) and any(
        isinstance(one, dict) and one.get("kind") == kind and one.get("name") == name for one in owners
    )
