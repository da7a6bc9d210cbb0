"""Which existing Secrets may be written at all.

Source: spec/operation.md 4.
"""

from __future__ import annotations

from typing import Final

from kubectl_asm.engine.status import ever_succeeded
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FIELD_MANAGER, Secret

UPSTREAM_MANAGER: Final = "ack-secret-manager"
UNTOUCHABLE_TYPES: Final = frozenset(
    {"helm.sh/release.v1", "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"}
)


def refuse_takeover(external: ExternalSecret, current: Secret | None, *, adopt: bool) -> str | None:
    """Return why the existing target must not be written, None when it may be."""
    if current is None:
        return None
    name = f"Secret {current.namespace}/{current.name}"
    if current.type in UNTOUCHABLE_TYPES:
        return f"{name} has type {current.type}, which is never written; choose another target.name"
    if (owner := current.metadata.controller) is not None:
        return f"{name} is controlled by {owner.kind} {owner.name}; choose another target.name"
    if adopt or ever_succeeded(external.status.data_sync_results) or _is_ours(current):
        return None
    return f"{name} exists and was written by neither the controller nor kubectl-asm; take it over with --adopt"


def _is_ours(current: Secret) -> bool:
    return any(field.manager in (FIELD_MANAGER, UPSTREAM_MANAGER) for field in current.metadata.managed_fields)
