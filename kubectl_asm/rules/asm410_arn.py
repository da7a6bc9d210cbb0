"""ASM410 arn: ARNs are complete.

Why: placeholders of the documentation are the usual cause; STS refuses them.
Bad::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::{accountID}:role/one  # <- ASM410
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1

Good::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1

Source: spec/auth.md section 4.2; spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.arns import is_provider_arn, is_role_arn
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, quoted
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM410", "arn", Severity.ERROR, topics=("arn",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield ARNs of the wrong form."""
    for at in auths_of(subject):
        auth = at.auth
        if auth.oidc_provider_arn and not is_provider_arn(auth.oidc_provider_arn):
            message = f"{quoted(auth.oidc_provider_arn)} is no OIDC provider ARN"
            yield Hit((*at.path, "oidcProviderARN"), message, "acs:ram::<account id>:oidc-provider/ack-rrsa-<cluster id>")
        for name, arn in (
            ("ramRoleARN", auth.ram_role_arn),
            ("remoteRamRoleARN", auth.remote_ram_role_arn),
            ("remoteRamRoleArn", auth.remote_ram_role_arn_seed),
        ):
            if arn and not is_role_arn(arn):
                yield Hit((*at.path, name), f"{quoted(arn)} is no role ARN", "acs:ram::<account id>:role/<name>")
