"""ASM403 competing-credentials: a store configures one kind of credentials.

Why: which one wins depends on the release, and what is beside serviceAccountRef is never read.
Bad::

    KMS:
      KMSAuth:
        serviceAccountRef: {name: reader}
        accessKey: {name: ak, key: id}  # <- ASM403
        accessKeySecret: {name: ak, key: secret}

Good::

    KMS:
      KMSAuth:
        serviceAccountRef: {name: reader}

Source: spec/auth.md section 3; spec/lint.md section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kubectl_asm.diagnostics import Severity
from kubectl_asm.rules.base import STORES, Hit, RuleMeta, key_hit
from kubectl_asm.rules.context import RuleContext
from kubectl_asm.rules.stores import AuthAt, auths_of
from kubectl_asm.rules.subjects import Subject

META = RuleMeta("ASM403", "competing-credentials", Severity.WARNING, topics=("auth",), kinds=STORES)

_UNREAD: Final = ("ramRoleARN", "ramRoleSessionName", "oidcTokenFilePath", "roleSessionExpiration")
_KEYS: Final = ("accessKey", "accessKeySecret")


def check(subject: Subject, _ctx: RuleContext) -> Iterator[Hit]:
    """Yield fields that lose against others of the same Auth object."""
    for at in auths_of(subject):
        has_pair = all(subject.has((*at.path, name)) for name in _KEYS)
        if at.auth.service_account_ref is not None:
            yield from _beside_service_account(at, subject)
        elif has_pair and at.auth.oidc_provider_arn:
            message = "oidcProviderARN beside accessKey and accessKeySecret: which one is used depends on the release"
            yield key_hit((*at.path, "oidcProviderARN"), message, "keep one of the two")


def _beside_service_account(at: AuthAt, subject: Subject) -> Iterator[Hit]:
    keys = [name for name in subject.raw(at.path) or () if name in _KEYS and subject.has((*at.path, name))]
    if keys:
        message = f"{' and '.join(keys)} beside serviceAccountRef: the AccessKey is never read"
        yield key_hit((*at.path, keys[0]), message, "remove one of the two")
    for name in _UNREAD:
        if subject.has((*at.path, name)):
            yield key_hit((*at.path, name), f"{name} is not read beside serviceAccountRef", "remove it")
