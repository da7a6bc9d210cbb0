"""ASM204 field-spelling: the remote role is spelled remoteRamRoleARN.

Why: the API server drops remoteRamRoleArn, and calls run without the role of the other account.
Bad::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1
        remoteRamRoleArn: acs:ram::22:role/other  # <- ASM204

Good::

    KMS:
      KMSAuth:
        ramRoleARN: acs:ram::11:role/one
        oidcProviderARN: acs:ram::11:oidc-provider/ack-rrsa-c1
        remoteRamRoleARN: acs:ram::22:role/other

Source: spec/api.md section 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Change, ChangeKind, Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM204", "field-spelling", Severity.WARNING, topics=("field-spelling",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the old spelling: an error beside another value of the right one."""
    for at in auths_of(subject):
        old, new = at.auth.remote_ram_role_arn_seed, at.auth.remote_ram_role_arn
        if not old:
            continue
        path = (*at.path, "remoteRamRoleArn")
        if new == old:
            remove = Change(ChangeKind.REMOVE, path)
            message = "remoteRamRoleArn is dropped by the API server; remoteRamRoleARN says the same"
            yield key_hit(path, message, "remove it", change=remove)
        elif new:
            message = "remoteRamRoleArn and remoteRamRoleARN have different values"
            yield key_hit(path, message, "keep remoteRamRoleARN", Severity.ERROR)
        else:
            rename = Change(ChangeKind.RENAME, path, "remoteRamRoleARN")
            yield key_hit(path, "remoteRamRoleArn is dropped by the API server", "write remoteRamRoleARN", change=rename)
