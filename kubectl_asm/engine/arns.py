"""The form of ARNs. Pure. Source: spec/auth.md 4.2; spec/lint.md 3 (arn)."""

from __future__ import annotations

import re

from kubectl_asm.engine.identity import derive_provider
from kubectl_asm.model.settings import Settings

_ROLE = re.compile(r"acs:ram:[^:]*:\d+:role/[^\s{}<>:]+", re.ASCII)
_DERIVING = Settings(cluster_id="c", uid="1")


def is_provider_arn(text: str) -> bool:
    """Return whether an OIDC provider ARN would be used as it is, not replaced by a derived one."""
    return not derive_provider(text, _DERIVING)[1]


def is_role_arn(text: str) -> bool:
    """Return whether a text is the ARN of a RAM role."""
    return bool(_ROLE.fullmatch(text))
