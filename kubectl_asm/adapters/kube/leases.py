"""Leases over the API server: made once, bounded in time, always read from the server's store.

A list or get without a resourceVersion is answered from the quorum, not from a cache: two replicas that each write a Lease
and then look see at least one of the two writes.
Source: Kubernetes API concepts, "Resource versions"; spec/controller.md 7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kubectl_asm.adapters.kube.codec import decode, encode
from kubectl_asm.adapters.kube.errors import Asked
from kubectl_asm.adapters.kube.holder import UPSTREAM_LOCK
from kubectl_asm.adapters.kube.paths import object_path
from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.adapters.kube.writer import KubeWriter
from kubectl_asm.errors import NotFoundError, UsageError
from kubectl_asm.model.leases import Lease
from kubectl_asm.ports import Random

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LONGEST_HOST: Final = 63


class KubeLeases:
    """LeaseStore over a connection's unpaced transport. timeout_s: of a request, about half of the renew deadline."""

    def __init__(self, transport: Transport, namespace: str, *, timeout_s: float) -> None:
        self._transport = transport.impatient(timeout_s)
        self._namespace = namespace
        self._reader = KubeReader(self._transport)
        self._writer = KubeWriter(self._transport)

    def get(self, name: str) -> Lease:
        """Return a Lease as it is now; raises NotFoundError."""
        return self._reader.get(Lease, self._namespace, name)

    def list(self, label_selector: str) -> Sequence[Lease]:
        """Return the Leases with these labels, as they are now."""
        return self._reader.list(Lease, self._namespace, label_selector=label_selector)

    def create(self, lease: Lease) -> Lease:
        """Create; raises AlreadyExistsError."""
        return self._writer.create(self._placed(lease))

    def update(self, lease: Lease) -> Lease:
        """Replace the version that was read; raises ConflictError, also when it is gone: its uid is a precondition."""
        return decode(Lease, self._write("PUT", "update", lease, encode(self._placed(lease))))

    def delete(self, lease: Lease) -> None:
        """Delete exactly the version that was read; raises ConflictError when it changed. Absent is fine."""
        version = {"uid": lease.metadata.uid, "resourceVersion": lease.metadata.resource_version}
        try:
            self._write("DELETE", "delete", lease, {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": version})
        except NotFoundError:
            return

    def _write(self, method: str, verb: str, lease: Lease, body: dict[str, Any]) -> bytes:
        asked = Asked(verb, Lease.RESOURCE.full_name, self._namespace, lease.name)
        return self._transport.write(method, object_path(Lease, self._namespace, lease.name), asked, body).body

    def _placed(self, lease: Lease) -> Lease:
        return msgspec.structs.replace(lease, metadata=msgspec.structs.replace(lease.metadata, namespace=self._namespace))


def check_lease_name(name: str, shards: int) -> None:
    """Raise UsageError when a Lease cannot be called that, or cannot stand for these many shards."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" is no name for a Lease', hint="at most 63 lower-case letters, digits and hyphens (--lease-name)"
        )
    if shards > 1 and name == UPSTREAM_LOCK:
        raise UsageError(
            f"Lease {UPSTREAM_LOCK} excludes upstream's controller only as a whole, not shard by shard",
            hint="use --shards=1 with this --lease-name",
        )


def identity_of(host: str, random: Random) -> str:
    """Return the identity of one process: its host (a pod's name) and eight random digits, so that no two are ever equal."""
    readable = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:_LONGEST_HOST].strip("-")
    return f"{readable or 'controller'}-{random.token(4).hex()}"
