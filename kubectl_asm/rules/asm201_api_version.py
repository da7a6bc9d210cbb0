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

from kubectl_asm.diagnostics import Severity
from kubectl_asm.model.objects import API_VERSION
from kubectl_asm.rules.base import Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM201", "api-version", Severity.ERROR, topics=("api-version",), kinds=("*",))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield a version that is not served."""
    version = subject.value.get("apiVersion")
    if version != API_VERSION:
        yield Hit(("apiVersion",), f"{quoted(version)} is not served; the only version is v1alpha1", f"write {API_VERSION}")
