"""ASM406 service-account-provider: serviceAccountRef has an OIDC provider.

Why: without oidcProviderARN it is derived from cluster id and account, and here one of them is known to be empty.
Bad::

    KMS:
      KMSAuth:
        serviceAccountRef: {name: reader}  # with cluster id known to be empty: <- ASM406

Good::

    KMS:
      KMSAuth:
        serviceAccountRef: {name: reader}
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1

Source: spec/auth.md section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.arns import is_provider_arn
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM406", "service-account-provider", Severity.ERROR, topics=("auth",), kinds=STORES)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield references for which no provider can be derived."""
    empty = [
        helm
        for name, helm in (("cluster_id", "command.clusterId"), ("uid", "command.aliuid"))
        if ctx.is_known(name) and not getattr(ctx.settings, name)
    ]
    for at in auths_of(subject):
        if at.auth.service_account_ref is None or not empty or is_provider_arn(at.auth.oidc_provider_arn):
            continue
        message = f"serviceAccountRef needs a well-formed oidcProviderARN: none can be derived, {' and '.join(empty)} is empty"
        yield key_hit((*at.path, "serviceAccountRef"), message, "set oidcProviderARN", Severity.ERROR)
