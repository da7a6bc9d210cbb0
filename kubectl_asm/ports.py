"""What the engine and the passes need from the world, as small protocols.

Adapters implement them; tests and offline commands use the memory and directory adapters, which are product code.
No protocol has an argument that says offline, dry-run or mode: absent adapters cannot be called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from kubectl_asm.model.backend import ClientPlan, Provider, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.model.externalsecret import ExternalSecretStatus
from kubectl_asm.model.leases import Lease
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.model.stores import ClusterExternalSecretStatus, StoreStatus

Obj = TypeVar("Obj", bound=KubeObject)
Status = ExternalSecretStatus | StoreStatus | ClusterExternalSecretStatus


class ObjectReader(Protocol):
    """Reads objects. Raises ClusterError subclasses; NotFoundError means absent and nothing else does."""

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object; namespace is empty for cluster-scoped kinds."""

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return all objects of a kind in one namespace, or in all when namespace is empty, sorted by (namespace, name)."""


class ObjectWriter(Protocol):
    """Writes objects. Every write names the field manager it was built with."""

    def create(self, obj: Obj) -> Obj:
        """Create; raises AlreadyExistsError, RejectedError, AccessError, UnavailableError."""

    def update(self, obj: Obj) -> Obj:
        """Replace the object read at obj.metadata.resource_version; raises ConflictError when it changed since."""

    def delete(self, obj: KubeObject) -> None:
        """Delete exactly the object that was read (uid precondition). Absent is fine."""

    def set_finalizers(self, obj: Obj, finalizers: Sequence[str]) -> Obj:
        """Replace metadata.finalizers, with obj's resourceVersion as precondition."""

    def set_status(self, obj: Obj, status: Status) -> Obj:
        """Write the status subresource of one of our own kinds; returns the object as stored."""

    def apply(self, obj: Obj, *, force: bool) -> Obj:
        """Server-side apply; used for children of a ClusterExternalSecret."""


class ObjectWatcher(Protocol):
    """Tells of changes of objects: those of one kind one at a time and in order."""

    def subscribe(self, kind: type[Obj], told: Callable[[Obj | None, Obj | None], None]) -> None:
        """Have changes of a kind told as (old, new): (None, new) appeared, (old, new) changed, (old, None) vanished.

        What exists is told as appeared after start; a subscriber that comes later is told at once. Several changes of an
        object may be told as one. told may read and write objects but must return quickly, and must not raise. Objects
        of kinds that are watched by their metadata (Secret, ConfigMap, ServiceAccount) may come without labels and data.
        """

    def need(self, kind: type[KubeObject]) -> None:
        """Watch a kind from now on that is otherwise watched on demand only. Costs nothing when it is watched already."""

    def start(self) -> None:
        """Begin to watch and to tell. Returns at once."""


class LeaseStore(Protocol):
    """Leases of one namespace. Every request is made once and ends within a bound; raises ClusterError subclasses."""

    def get(self, name: str) -> Lease:
        """Return a Lease as it is now, not as a cache has it; raises NotFoundError."""

    def list(self, label_selector: str) -> Sequence[Lease]:
        """Return the Leases with these labels, as they are now."""

    def create(self, lease: Lease) -> Lease:
        """Create; raises AlreadyExistsError."""

    def update(self, lease: Lease) -> Lease:
        """Replace the Lease that was read at its resource_version; raises ConflictError when it changed or is gone."""

    def delete(self, lease: Lease) -> None:
        """Delete exactly the version that was read; raises ConflictError when it changed. Absent is fine."""


class Tenure(Protocol):
    """A time in which this process alone may write certain objects. Once over it is over for good."""

    def holds(self) -> bool:
        """Whether a write may begin now. Cheap; safe for use by several threads."""


class SecretReader(Protocol):
    """One backend call a read. Decorators wrap it (retry, limits, coalescing, metrics)."""

    def read(self, read: SecretRead) -> SecretAnswer:
        """Return the answer; raises BackendError, StaleClientError, ShutdownError. Never retries by itself."""


class BatchSecretReader(SecretReader, Protocol):
    """A reader that can also ask for several secrets of one client in one call."""

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in order. Raises BatchUnsupportedError when the service has no such call."""


class SecretSource(Protocol):
    """The engine's view: every read of one round at once; the adapter chooses order, batching and parallelism."""

    def fetch_many(self, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Return one outcome a read, in the order of reads. Raises only StaleClientError and ShutdownError."""


class RoundBucket(Protocol):
    """The provider's token bucket: one token a round, whatever the number of entries (spec/data.md 8.2)."""

    def take(self, provider: Provider) -> None:
        """Wait for a token; raises BucketExhaustedError when none comes within five minutes, ShutdownError on shutdown."""


class TokenIssuer(Protocol):
    """TokenRequest of a ServiceAccount (spec/auth.md 4.3)."""

    def issue(self, namespace: str, name: str, audiences: Iterable[str]) -> str:
        """Return a fresh token; raises ClusterError."""


class Clock(Protocol):
    """Monotonic time and interruptible waiting, in seconds. Wall time is an argument of decisions, not a port."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary origin, those included during which the process or the machine stood still."""

    def wait(self, seconds: float) -> bool:
        """Wait; returns False at once when shutdown is or becomes requested."""


class Random(Protocol):
    """Randomness: the system source live, a seeded one only in tests and render --seed."""

    def below(self, limit: int) -> int:
        """Return a uniform integer in [0, limit)."""

    def token(self, count: int) -> bytes:
        """Return count random bytes."""

    def uniform(self, low: float, high: float) -> float:
        """Return a uniform float in [low, high]."""


class BucketExhaustedError(Exception):
    """No rate-limit token came within the bound of a round."""


class BatchUnsupportedError(Exception):
    """The service or this gateway has no batch read; callers fall back to single reads and remember that."""


JsonObject = dict[str, Any]
