"""The world of one conformance case: a cluster in memory, fixtures as the cloud, fake time. All parts are product code
but the clock, the bucket and the fault injection."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.errors import AccessError, AlreadyExistsError, ClusterError, RejectedError, UnavailableError
from kubectl_asm.model.backend import Provider, ShutdownError
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import BucketExhaustedError

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class FakeClock:
    """Time that moves only when asked. cancel_first_wait: shutdown arrives during the first wait."""

    def __init__(self) -> None:
        self.now = START
        self.waits: list[float] = []
        self.cancel_first_wait = False
        self.is_shutdown = False

    def monotonic(self) -> float:
        return (self.now - START).total_seconds()

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        if self.cancel_first_wait:
            self.is_shutdown = True
        if self.is_shutdown:
            return False
        self.now += timedelta(seconds=seconds)
        return True

    def instant(self) -> datetime:
        return self.now


class SeededRandom:
    """Repeatable randomness: a chain of hashes."""

    def __init__(self) -> None:
        self._state = b"conformance"

    def token(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            self._state = hashlib.sha256(self._state).digest()
            out += self._state
        return out[:count]

    def below(self, limit: int) -> int:
        return int.from_bytes(self.token(16), "big") % limit

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.below(1 << 53) / (1 << 53)


class FakeBucket:
    """Counts tokens; exhausted providers never serve."""

    def __init__(self, clock: FakeClock, exhausted: Sequence[str]) -> None:
        self._clock = clock
        self._exhausted = exhausted
        self.tokens: Counter[str] = Counter()

    def take(self, provider: Provider) -> None:
        if self._clock.is_shutdown:
            raise ShutdownError
        if provider in self._exhausted:
            raise BucketExhaustedError("rate: Wait would exceed the limit of five minutes")
        self.tokens[provider] += 1


class FaultyCluster:
    """A MemoryCluster whose calls fail as a case says. Verbs: get, list, create, update, delete, patch, write."""

    def __init__(self, inner: MemoryCluster, faults: Sequence[Mapping[str, Any]], load: Callable[[Any], KubeObject]) -> None:
        self._inner = inner
        self._faults = [dict(fault) for fault in faults]
        self._load = load

    def _check(self, verbs: Sequence[str], kind: str, namespace: str) -> None:
        for fault in self._faults:
            is_meant = fault["verb"] in verbs and fault["kind"].lower() == kind.lower()
            if is_meant and fault.get("namespace", namespace) == namespace and fault.get("times", 1) > 0:
                if "times" in fault:
                    fault["times"] -= 1
                if "thenObject" in fault:
                    self._inner.load([self._load(fault.pop("thenObject"))])
                raise _error(fault["error"])

    def get(self, kind: Any, namespace: str, name: str) -> Any:
        self._check(("get",), kind.RESOURCE.kind, namespace)
        return self._inner.get(kind, namespace, name)

    def list(self, kind: Any, namespace: str = "", *, label_selector: str = "") -> Any:
        self._check(("list",), kind.RESOURCE.kind, namespace)
        return self._inner.list(kind, namespace, label_selector=label_selector)

    def create(self, obj: Any) -> Any:
        self._check(("create", "write"), obj.RESOURCE.kind, obj.namespace)
        return self._inner.create(obj)

    def update(self, obj: Any) -> Any:
        self._check(("update", "write"), obj.RESOURCE.kind, obj.namespace)
        return self._inner.update(obj)

    def delete(self, obj: Any) -> None:
        self._check(("delete",), obj.RESOURCE.kind, obj.namespace)
        self._inner.delete(obj)

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:
        self._check(("update", "patch", "write"), obj.RESOURCE.kind, obj.namespace)
        return self._inner.set_finalizers(obj, finalizers)

    def set_status(self, obj: Any, status: Any) -> Any:
        return self._inner.set_status(obj, status)

    def apply(self, obj: Any, *, force: bool) -> Any:
        self._check(("create", "update", "patch", "write"), obj.RESOURCE.kind, obj.namespace)
        return self._inner.apply(obj, force=force)


def _error(word: str) -> ClusterError:
    terminating = 'secrets "demo" is forbidden: unable to create new content in namespace default because it is being terminated'
    return {
        "forbidden": AccessError("forbidden: not allowed", status=403),
        "internal": UnavailableError("Internal error occurred", status=500),
        "alreadyExists": AlreadyExistsError("already exists", status=409),
        "namespaceTerminating": RejectedError(terminating, status=403),
    }[word]
