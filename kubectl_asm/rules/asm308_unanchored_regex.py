"""ASM308 unanchored-regex: namespace regexes are anchored with ^ and $.

Why: they match anywhere in a name, so more namespaces are admitted than meant.
Bad::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceRegexes: ["dev-.*"]  # <- ASM308
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Good::

    apiVersion: alibabacloud.com/v1alpha1
    kind: ClusterSecretStore
    metadata: {name: shared}
    spec:
      conditions:
        - namespaceRegexes: ["^dev-.*$"]
      KMS: {KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}}

Source: spec/access-control.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.gotemplate.goregex import RegexError, compile_regex
from kubectl_asm.rules.asm306_wildcard_namespaces import matches_every_name
from kubectl_asm.rules.base import CLUSTER_EXTERNAL, CLUSTER_STORE, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.regexes import is_anchored
from kubectl_asm.rules.stores import conditions_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta(
    "ASM308", "unanchored-regex", Severity.WARNING, topics=("unanchored-regex",), kinds=(CLUSTER_STORE, CLUSTER_EXTERNAL)
)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield regexes without anchors, with the namespaces of the input they hit only inside the name."""
    if ctx.settings.namespace_regex_mode == "fullmatch":
        return
    for at in conditions_of(subject):
        for index, pattern in enumerate(at.condition.namespace_regexes):
            if is_anchored(pattern) or matches_every_name(pattern, ctx):
                continue
            try:
                surplus = _surplus(pattern, ctx)
            except RegexError:
                continue
            message = f"{quoted(pattern)} is not anchored with ^ and $"
            message += f" and also matches {', '.join(surplus)}" if surplus else ": it matches anywhere in a name"
            yield Hit((*at.path, "namespaceRegexes", index), message, _hint(pattern))


def _hint(pattern: str) -> str:
    inner = pattern.removeprefix("^").removesuffix("$")[:64]
    return f"write ^(?:{inner})$" if "|" in inner else f"write ^{inner}$"


def _surplus(pattern: str, ctx: RuleContext) -> list[str]:
    inside, whole = compile_regex(pattern), compile_regex(f"^(?:{pattern})$")
    return [name for name in ctx.namespaces if inside.matches(name) and not whole.matches(name)]
