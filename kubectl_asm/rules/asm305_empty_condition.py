"""ASM305 empty-condition: no condition is empty.

Why: a condition without selector, names and regexes matches nothing.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaces: [shop]
        - {}  # <- ASM305
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaces: [shop]
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Source: spec/access-control.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import conditions_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM305", "empty-condition", Severity.WARNING, topics=("conditions",), kinds=(CLUSTER_STORE, CLUSTER_EXTERNAL))


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield conditions that match nothing."""
    for at in conditions_of(subject):
        one = at.condition
        is_empty = one.namespace_selector is None and not one.namespaces and not one.namespace_regexes
        if is_empty and not subject.has_refused_below(at.path):
            yield Hit(at.path, "an empty condition matches no namespace", "remove it or say which namespaces are meant")
