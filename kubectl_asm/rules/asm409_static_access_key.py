"""ASM409 static-access-key: credentials are not long-lived keys.

Why: an AccessKey in a Secret does not expire; RRSA gives credentials that do.
Bad::

    KMS:
      KMSAuth:
        accessKey: {name: ak, key: id}  # <- ASM409
        accessKeySecret: {name: ak, key: secret}

Good::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1

Source: spec/lint.md section 3 (static-ak); spec/auth.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM409", "static-access-key", Severity.INFO, topics=("static-ak",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the first AccessKey field of each provider."""
    for at in auths_of(subject):
        keys = [name for name in ("accessKey", "accessKeySecret") if subject.has((*at.path, name))]
        if keys:
            yield key_hit(
                (*at.path, keys[0]), "a long-lived AccessKey: allowed, but RRSA is safer", "use serviceAccountRef or ramRoleARN"
            )
