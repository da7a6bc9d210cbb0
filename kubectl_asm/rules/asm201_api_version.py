"""ASM201 api-version: objects of our group have version v1alpha1.

Why: no other version is served, so the API server refuses the object.
Bad::

    apiVersion: alibabacloud.com/v1beta1  # <- ASM201
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {}}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: SecretStore
    metadata: {name: kms, namespace: shop}
    spec: {KMS: {KMSAuth: {}}}

Source: spec/api.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.manifest.decode import OWN_KINDS
from kubectl_asm.model.objects import API_VERSION
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.near import only_meant
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM201", "api-version", Severity.ERROR, topics=("api-version",), kinds=("*",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield a version that is not served."""
    version = subject.value.get("apiVersion")
    if version != API_VERSION:
        message = f"{quoted(version)} is not served; the only version is v1alpha1"
        yield Hit(("apiVersion",), message, f"write {API_VERSION}", change=_change(version, subject))


def _change(version: object, subject: Subject) -> Change | None:
    """Any version of one of the four kinds can only mean the one there is."""
    is_meant = isinstance(version, str) and (subject.kind in OWN_KINDS or only_meant(subject.kind, OWN_KINDS))
    return Change(ChangeKind.VALUE, ("apiVersion",), API_VERSION) if is_meant else None
