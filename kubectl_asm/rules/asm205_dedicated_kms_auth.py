"""ASM205 dedicated-kms-auth: dedicatedKMSAuth is not used.

Why: it left the API with release 0.5.12; a dedicated instance is an endpoint.
Bad::

    KMS:
      dedicatedKMSAuth: {protocol: https, endpoint: kst-1}  # <- ASM205

Good::

    KMS:
      KMSAuth: {ramRoleARN: "acs:ram::11:role/one", oidcProviderARN: "acs:ram::11:oidc-provider/ack-rrsa-c1"}

Source: spec/api.md section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM205", "dedicated-kms-auth", Severity.ERROR, topics=("dedicated-kms-auth",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the key."""
    path = ("spec", "KMS", "dedicatedKMSAuth")
    if subject.has(path):
        hint = "use KMSAuth and set data[].kmsEndpoint to <instance-id>.cryptoservice.kms.aliyuncs.com"
        yield key_hit(path, "dedicatedKMSAuth is no longer part of the API; use KMSAuth and kmsEndpoint", hint)
