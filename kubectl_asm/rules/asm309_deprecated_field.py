"""ASM309 deprecated-field: namespaceSelectors is followed by conditions.

Why: it still works, but new releases only describe conditions.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: fanout}
    spec:
      externalSecretSpec: {data: [{key: a, name: a}]}
      namespaceSelectors: [{matchLabels: {stage: qa}}]  # <- ASM309

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterExternalSecret
    metadata: {name: fanout}
    spec:
      externalSecretSpec: {data: [{key: a, name: a}]}
      conditions: [{namespaceSelector: {matchLabels: {stage: qa}}}]

Source: spec/api.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM309", "deprecated-field", Severity.INFO, topics=("deprecated-field",), kinds=(CLUSTER_EXTERNAL,))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the old key."""
    path = ("spec", "namespaceSelectors")
    if subject.has(path):
        yield key_hit(path, "namespaceSelectors is deprecated: use conditions", "conditions[].namespaceSelector says the same")
