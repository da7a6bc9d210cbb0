"""ASM404 half-access-key: AccessKey references come in pairs.

Why: half a pair is no credential, so another tier is used or none.
Bad::

    KMS:
      KMSAuth:
        accessKey: {name: ak, key: id}  # <- ASM404

Good::

    KMS:
      KMSAuth:
        accessKey: {name: ak, key: id}
        accessKeySecret: {name: ak, key: secret}

Source: spec/auth.md sections 3 and 4.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM404", "half-access-key", Severity.ERROR, topics=("auth",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the half that is there."""
    for at in auths_of(subject):
        if at.auth.service_account_ref is not None:
            continue
        for here, other in (("accessKey", "accessKeySecret"), ("accessKeySecret", "accessKey")):
            is_there = subject.has((*at.path, here)) or (*at.path, here) in subject.actual
            if is_there and not subject.has((*at.path, other)) and (*at.path, other) not in subject.actual:
                yield key_hit((*at.path, here), f"{here} without {other} is no credential", f"add {other}")
