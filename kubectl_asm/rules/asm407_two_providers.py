"""ASM407 two-providers: a store has one provider.

Why: with KMS and OOS in one store every entry fails.
Bad::

    KMS: {KMSAuth: {}}
    OOS: {OOSAuth: {}}  # <- ASM407

Good::

    KMS: {KMSAuth: {}}

Source: spec/api.md section 4; spec/auth.md section 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import store_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM407", "two-providers", Severity.ERROR, topics=("auth",), kinds=STORES)


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield the second provider."""
    spec = store_of(subject)
    if spec.kms is not None and spec.oos is not None:
        names = [name for name in subject.raw(("spec",)) or () if name in ("KMS", "OOS")]
        second = names[-1] if names else "OOS"
        yield key_hit(("spec", second), "KMS and OOS in one store; a store has exactly one provider", "write two stores")
