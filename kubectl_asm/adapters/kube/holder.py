"""Looks for a controller that is at work in the cluster: a live Lease or lock ConfigMap. Reads only.

Whether a Lease is live is judged by the API server's clock (its Date header), because a laptop's may be minutes off and
a mistake would let two writers loose on one Secret.
Source: spec/controller.md 7; spec/operation.md 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from kubectl_asm.adapters.kube.codec import decode_page
from kubectl_asm.adapters.kube.errors import UNKNOWN_KIND, Asked
from kubectl_asm.adapters.kube.paths import collection_path
from kubectl_asm.adapters.kube.transport import Reply, Transport
from kubectl_asm.errors import AccessError, ClusterError
from kubectl_asm.model.leases import Lease, LeaseSpec
from kubectl_asm.model.objects import ConfigMap, KubeObject

UPSTREAM_LOCK = "ack-secret-manager-lock"
OWN_LOCK = "kubectl-asm-controller"
GRACE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Found:
    """A live holder. kind: Lease or ConfigMap; name: of the lock; holder: its identity as written there."""

    namespace: str
    name: str
    kind: str
    holder: str

    @property
    def is_upstream(self) -> bool:
        """Whether the lock is upstream's and not our own controller's."""
        return self.name == UPSTREAM_LOCK


@dataclass(frozen=True, slots=True)
class NotFound:
    """Nobody holds a lock."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The caller may not look; reason: the server's words."""

    reason: str


HolderLookup = Found | NotFound | Forbidden


def find_holder(
    transport: Transport, *, namespaces: Sequence[str] = ("kube-system",), locks: Sequence[str] = (UPSTREAM_LOCK, OWN_LOCK)
) -> HolderLookup:
    """Return the first live holder: upstream's Lease, upstream's ConfigMap, our Lease.

    Looks across all namespaces with at most three requests; where that is forbidden, in the given namespaces only.
    Raises ClusterError for everything but a refusal.
    """
    return _find(transport, _candidates(locks), namespaces)


def _find(transport: Transport, kinds: Sequence[tuple[type[KubeObject], str]], namespaces: Sequence[str]) -> HolderLookup:
    refusal = ""
    for kind, lock in kinds:
        try:
            found = _look(transport, kind, lock, "")
        except AccessError as error:
            refusal = refusal or error.message
            found = _look_narrowly(transport, kind, lock, namespaces)
        if found is not None:
            return found
    return Forbidden(refusal) if refusal else NotFound()


def find_upstream(transport: Transport, *, namespaces: Sequence[str] = ("kube-system",), own_lease: str = "") -> HolderLookup:
    """Return the live upstream controller beside which `serve` must not start: holder of its Lease or of its lock ConfigMap.

    own_lease: the name of our own Lease. Where that is upstream's (--lease-name), the Lease itself keeps both apart and only
    the ConfigMap of releases before 0.6.7 is looked for. Raises ClusterError for everything but a refusal.
    """
    kinds = [(kind, lock) for kind, lock in _candidates((UPSTREAM_LOCK,)) if kind is not Lease or own_lease != UPSTREAM_LOCK]
    return _find(transport, kinds, namespaces)


def _candidates(locks: Sequence[str]) -> list[tuple[type[KubeObject], str]]:
    found: list[tuple[type[KubeObject], str]] = []
    for lock in locks:
        found.append((Lease, lock))
        if lock == UPSTREAM_LOCK:
            found.append((ConfigMap, lock))
    return found


def _look_narrowly(transport: Transport, kind: type[KubeObject], lock: str, namespaces: Sequence[str]) -> Found | None:
    for namespace in dict.fromkeys(namespaces):
        try:
            found = _look(transport, kind, lock, namespace)
        except AccessError:
            continue  # the refusal of the wider look is reported already
        if found is not None:
            return found
    return None


def _look(transport: Transport, kind: type[KubeObject], lock: str, namespace: str) -> Found | None:
    asked = Asked("list", kind.RESOURCE.full_name, namespace)
    try:
        reply = transport.read(collection_path(kind, namespace), asked, {"fieldSelector": f"metadata.name={lock}"})
    except ClusterError as error:
        if error.reason == UNKNOWN_KIND:
            return None
        raise
    now = _server_time(reply)
    for obj in decode_page(kind, reply.body).items or ():
        holder = _holder(obj, now)
        if holder:
            return Found(obj.namespace, lock, kind.RESOURCE.kind, holder)
    return None


def _holder(obj: KubeObject, now: datetime | None) -> str:
    """Return who holds a lock, empty when nobody does any more."""
    if isinstance(obj, Lease):
        return obj.holder if _is_live(obj.spec, now) else ""
    # a lock ConfigMap exists exactly as long as the pod that owns it (garbage collection removes it)
    return next((owner.name for owner in obj.metadata.owner_references), "") or obj.name


def _is_live(spec: LeaseSpec, now: datetime | None) -> bool:
    if now is None or not spec.renew_time:
        return True  # no way to tell: assume that somebody is there
    try:
        renewed = datetime.fromisoformat(spec.renew_time)
    except ValueError:
        return True
    return now <= renewed + timedelta(seconds=spec.lease_duration_seconds or 0) + GRACE


def _server_time(reply: Reply) -> datetime | None:
    try:
        return parsedate_to_datetime(reply.headers.get("Date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return None
