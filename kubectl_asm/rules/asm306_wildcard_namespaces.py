"""ASM306 wildcard-namespaces: cluster resources say which namespaces they are for.

Why: a store that everybody may use lends its RAM role to every namespace.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceSelector: {}  # <- ASM306
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaces: [shop]
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Source: spec/access-control.md section 3; spec/api.md section 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.access import InvalidConditionError, regex_matches
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, Hit, RuleMeta, key_hit, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import conditions_of, selectors_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta(
    "ASM306", "wildcard-namespaces", Severity.WARNING, topics=("wildcard-namespaces",), kinds=(CLUSTER_STORE, CLUSTER_EXTERNAL)
)

_EVERY: Final = ("a", "0", "z9", "kube-system", "0-a", "x" * 63)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield what selects every namespace: nothing at all, an empty selector, a regex that matches every name."""
    obj = subject.obj
    assert isinstance(obj, ClusterSecretStore | ClusterExternalSecret)
    selectors = obj.spec.namespace_selectors if isinstance(obj, ClusterExternalSecret) else ()
    if not obj.spec.conditions and not selectors and subject.has(("spec",)) and not _is_unsaid(subject):
        what = "may be used from" if isinstance(obj, ClusterSecretStore) else "writes into"
        yield key_hit(("spec",), f"without conditions this {subject.kind} {what} every namespace", "add spec.conditions")
    for path, selector in selectors_of(subject):
        if not selector.match_labels and not selector.match_expressions and not subject.has_refused_below(path):
            yield Hit(path, "an empty selector matches every namespace", "name labels, or use namespaces")
    for at in conditions_of(subject):
        for index, pattern in enumerate(at.condition.namespace_regexes):
            if matches_every_name(pattern, ctx):
                yield Hit((*at.path, "namespaceRegexes", index), f"{quoted(pattern)} matches every namespace")


def _is_unsaid(subject: Subject) -> bool:
    """Whether conditions are there in a form that was refused."""
    return subject.has_refused_below(("spec", "conditions")) or subject.has_refused_below(("spec", "namespaceSelectors"))


def matches_every_name(pattern: str, ctx: RuleContext) -> bool:
    """Return whether a regex hits every namespace name."""
    try:
        return all(regex_matches(pattern, name, ctx.settings) for name in _EVERY)
    except InvalidConditionError:
        return False
