"""ASM405 session-expiration: roleSessionExpiration is 900 to 43200 seconds.

Why: STS refuses any other length, and the store gets no credentials.
Bad::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1
        roleSessionExpiration: "60"  # <- ASM405

Good::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1
        roleSessionExpiration: "3600"

Source: spec/auth.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.engine.identity import IdentityConfigurationError, session_seconds
from kubectl_asm.rules.base import STORES, Hit, RuleMeta
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM405", "session-expiration", Severity.ERROR, topics=("auth",), kinds=STORES)


def check(subject: Subject, ctx: RuleContext) -> Iterator[Hit]:
    """Yield lengths that STS refuses."""
    settings = ctx.settings.replaced({"session_expiration": True})
    for at in auths_of(subject):
        if at.auth.service_account_ref is not None:
            continue
        try:
            session_seconds(at.auth.role_session_expiration, settings)
        except IdentityConfigurationError as error:
            yield Hit(
                (*at.path, "roleSessionExpiration"),
                str(error),
                "allowed are 900 to 43200 seconds, as seconds or a duration such as 1h",
            )
