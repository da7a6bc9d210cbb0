"""ASM307 namespace-regex: namespace regexes are valid RE2.

Why: an invalid one makes the store refuse every namespace that reaches it.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceRegexes: ['^(?!kube).*$']  # <- ASM307
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceRegexes: ['^team-[a-z]+$']
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Source: spec/access-control.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.access import InvalidConditionError, regex_matches
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import conditions_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM307", "namespace-regex", Severity.ERROR, topics=("namespace-regex",), kinds=(CLUSTER_STORE, CLUSTER_EXTERNAL))


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield regexes that RE2 refuses."""
    for at in conditions_of(subject):
        for index, pattern in enumerate(at.condition.namespace_regexes):
            try:
                regex_matches(pattern, "a", ctx.settings)
            except InvalidConditionError:
                yield Hit(
                    (*at.path, "namespaceRegexes", index), _message(pattern), "RE2 has no look-around and no back-references"
                )


def _message(pattern: str) -> str:
    try:
        compile_regex(pattern)
    except RegexError as error:
        return f"{quoted(pattern)} is no valid RE2 expression: {error}"[:300]
    return f"{quoted(pattern)} is too long for a namespace regex"
