"""Leases, and the names of those by which replicas of the controller share their work.

Source: Kubernetes coordination.k8s.io/v1; spec/controller.md 7.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

import msgspec

from kubectl_asm.model.objects import KubeObject, Resource

SHARDS_ANNOTATION: Final = "kubectl-asm/shards"
"""Into how many shards the holder of a Lease divides the work. Replicas that differ in it never work at the same time."""

COMPONENT_LABEL: Final = "app.kubernetes.io/component"
SHARD: Final = "shard"
MEMBER: Final = "member"


class LeaseSpec(msgspec.Struct, frozen=True, rename="camel"):
    """spec of a Lease. Times are RFC 3339 with microseconds; no holder_identity: nobody holds it."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class Lease(KubeObject, frozen=True, rename="camel"):
    """coordination.k8s.io/v1 Lease."""

    RESOURCE: ClassVar[Resource] = Resource("Lease", "coordination.k8s.io/v1", "leases", True)

    spec: LeaseSpec = LeaseSpec()

    @property
    def holder(self) -> str:
        """Identity of the holder, empty when the Lease was released."""
        return self.spec.holder_identity or ""

    @property
    def component(self) -> str:
        """What the Lease is for: a shard or the membership of a replica; empty when somebody else made it."""
        return self.metadata.labels.get(COMPONENT_LABEL, "")

    @property
    def shards(self) -> str:
        """The number of shards its holder works with, as written there."""
        return self.metadata.annotations.get(SHARDS_ANNOTATION, "1")


def micro_time(instant: datetime) -> str:
    """Return an instant, in UTC, as the API writes it."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}Z"


def shard_lease(base: str, shard: int) -> str:
    """Return the name of a shard's Lease; that of the first shard is the base, as without sharding."""
    return f"{base}-{shard}" if shard else base


def member_lease(base: str, identity: str) -> str:
    """Return the name of the Lease by which a replica says that it is alive."""
    return f"{base}-member-{identity}"


def lease_labels(base: str, component: str) -> dict[str, str]:
    """Return the labels of a Lease."""
    return {"app.kubernetes.io/name": "kubectl-asm", "app.kubernetes.io/instance": base, COMPONENT_LABEL: component}


def lease_selector(base: str) -> str:
    """Return the label selector of all Leases of one controller."""
    return f"app.kubernetes.io/name=kubectl-asm,app.kubernetes.io/instance={base}"
