"""The cluster as serve sees it: objects answered from watches, contents of Secrets read when they changed, changes told.

What is in memory is what the watch showed last, corrected by what this process wrote since (copies.py); what is not watched,
not listed yet or watched by a connection that gave no sign of life for STALE_S is read from the server, so nothing is ever
decided on a copy that is older than that.

| kind | watched | get | list |
| --- | --- | --- | --- |
| ExternalSecret, SecretStore, Namespace and the cluster kinds | whole, from start, or once needed | memory | memory |
| Secret | metadata, from start | memory while the version is the same; one request when it changed; none when absent | server |
| ConfigMap | metadata, once needed | as Secret; a request each while it is not watched | server |
| ServiceAccount | metadata and the role annotation, once needed | memory; a request each while it is not watched | as get |
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from kubectl_asm.adapters.apirules import not_found
from kubectl_asm.adapters.kube.collection import Collection
from kubectl_asm.adapters.kube.contents import DEFAULT_MAX_BYTES, ContentCache
from kubectl_asm.adapters.kube.copies import ABSENT, Copies, Question
from kubectl_asm.adapters.kube.reader import DEFAULT_CHUNK_SIZE, KubeReader
from kubectl_asm.adapters.kube.shapes import WITH_CONTENT, slim, slim_content
from kubectl_asm.adapters.kube.transport import Transport
from kubectl_asm.adapters.kube.watch import Reflector, Timing
from kubectl_asm.adapters.selectors import parse_selector
from kubectl_asm.errors import NotFoundError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, KubeObject, Namespace, Secret, ServiceAccount
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.ports import Clock, ObjectReader, Random

Obj = TypeVar("Obj", bound=KubeObject)

FROM_START: Final[tuple[type[KubeObject], ...]] = (
    ExternalSecret,
    SecretStore,
    ClusterSecretStore,
    ClusterExternalSecret,
    Namespace,
    Secret,
)
ON_DEMAND: Final[tuple[type[KubeObject], ...]] = (ConfigMap, ServiceAccount)
STALE_S: Final = 180.0
"""Twice the silence after which a watch is begun again: a copy this old is not believed any more."""
POLL_S: Final = 0.05

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What is watched and how much is kept.

    namespaces: the watched ones, empty for all. With namespaces every namespaced kind is listed and watched in each of
    them, so that a Role there is enough; cluster-scoped kinds are then watched where that is allowed and read one by one
    where not. kinds: watched from start. content_bytes: most memory for contents of Secrets and ConfigMaps.
    """

    namespaces: tuple[str, ...] = ()
    kinds: tuple[type[KubeObject], ...] = FROM_START
    chunk_size: int = DEFAULT_CHUNK_SIZE
    content_bytes: int = DEFAULT_MAX_BYTES
    timing: Timing = field(default_factory=Timing)


@dataclass(slots=True)
class _Watched:
    """One kind: its copies and what keeps them."""

    copies: Copies[Any]
    reflectors: list[Reflector[Any]]
    threads: list[threading.Thread] = field(default_factory=list)
    is_running: bool = False

    def of(self, namespace: str) -> list[Reflector[Any]]:
        """Return the reflectors that answer for a namespace, empty for all of them."""
        return [one for one in self.reflectors if not namespace or one.collection.namespace in ("", namespace)]


class WatchedCluster:
    """ObjectReader and ObjectWatcher over the watches of one API server. Thread-safe.

    transport: for reads; watches: for watches, which no pacing may hold up (default: the same).
    """

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Clock,
        random: Random,
        watches: Transport | None = None,
        options: WatchOptions | None = None,
    ) -> None:
        self._transport = transport
        self._watches = watches or transport
        self._clock = clock
        self._random = random
        self._options = options or WatchOptions()
        self._live: ObjectReader = KubeReader(transport, chunk_size=self._options.chunk_size)
        self._contents = ContentCache(self._options.content_bytes)
        self._lock = threading.Lock()
        self._needed = set(self._options.kinds)
        self._is_started = False
        self._is_stopped = False
        self._kinds = {kind: self._watched(kind) for kind in (*FROM_START, *ON_DEMAND)}

    def _watched(self, kind: type[Obj]) -> _Watched:
        options = self._options
        copies = Copies(kind, self._clock, namespaces=options.namespaces)
        scopes = sorted(copies.namespaces) or [""]
        collections = [Collection(kind, scope, self._transport, self._watches, chunk_size=options.chunk_size) for scope in scopes]
        shared: dict[str, Any] = {"clock": self._clock, "random": self._random, "timing": options.timing}
        return _Watched(copies, [Reflector(collection, copies, **shared) for collection in collections])

    # -- ObjectWatcher

    def subscribe(self, kind: type[Obj], told: Callable[[Obj | None, Obj | None], None]) -> None:
        """Have changes told, from the thread of the kind's watch. What told raises is logged and goes no further.

        Kinds of ON_DEMAND are told of only once need was called.
        """

        def guarded(old: Obj | None, new: Obj | None) -> None:
            try:
                told(old, new)
            except Exception:  # noqa: BLE001  # the watch goes on, whatever a subscriber does
                _LOG.exception("bug in a subscriber to %s", kind.RESOURCE.full_name)

        self._kinds[kind].copies.subscribe(guarded)

    def need(self, kind: type[KubeObject]) -> None:
        """Watch a kind from now on, at once when the others are watched already."""
        with self._lock:
            self._needed.add(kind)
            if self._is_started and not self._is_stopped:
                self._run(kind)

    def start(self) -> None:
        """Begin to list and to watch, one thread a kind (and a watched namespace). Returns at once."""
        with self._lock:
            self._is_started = True
            for kind in self._kinds:
                if kind in self._needed:
                    self._run(kind)

    def stop(self) -> None:
        """End every watch and wait for its thread. The cluster cannot be started again."""
        with self._lock:
            self._is_stopped = True
            running = [watched for watched in self._kinds.values() if watched.is_running]
        for watched in running:
            for reflector in watched.reflectors:
                reflector.stop()
        for watched in running:
            for thread in watched.threads:
                thread.join(timeout=5.0)

    def _run(self, kind: type[KubeObject]) -> None:
        watched = self._kinds[kind]
        if watched.is_running:
            return
        watched.is_running = True
        watched.copies.open()
        for reflector in watched.reflectors:
            thread = threading.Thread(target=reflector.run, name=f"watch {reflector.collection}", daemon=True)
            watched.threads.append(thread)
            thread.start()

    # -- health

    def has_synced(self) -> bool:
        """Whether everything that is watched was listed once. Where nothing may be watched, reads go to the server."""
        return all(one.is_synced or self._may_do_without(one) for one in self._running())

    def wait_until_synced(self, timeout_s: float) -> bool:
        """Wait for has_synced; False when it takes longer or shutdown is requested."""
        end_s = self._clock.monotonic() + timeout_s
        while not self.has_synced():
            if self._clock.monotonic() >= end_s or not self._clock.wait(POLL_S):
                return self.has_synced()
        return True

    def problems(self) -> Sequence[str]:
        """Return what does not work now, one sentence a watch, for /readyz. Empty when all is well."""
        found = [
            f"{one.collection}: {one.problem.message}"
            for one in self._running()
            if one.problem is not None and not self._may_do_without(one)
        ]
        return sorted(found)

    def notes(self) -> Sequence[str]:
        """Return what is missing and can be done without: cluster kinds that are not served or may not be read."""
        found = [
            f"{one.collection}: {one.problem.message}" for one in self._running() if one.problem and self._may_do_without(one)
        ]
        return sorted(found)

    def last_contact_age_s(self) -> float | None:
        """Return the seconds since the last sign of life of the watch that is silent for longest, None before the first."""
        ages = [one.contact_age_s for one in self._running() if not self._may_do_without(one)]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def _running(self) -> list[Reflector[Any]]:
        return [one for watched in self._kinds.values() if watched.is_running for one in watched.reflectors]

    def _may_do_without(self, one: Reflector[Any]) -> bool:
        """Whether serve is complete without this watch, so that it shows as a note and not as a problem."""
        kind = one.collection.kind
        if one.is_unserved:
            return kind in (ClusterSecretStore, ClusterExternalSecret)
        return one.is_refused and bool(self._options.namespaces) and not kind.RESOURCE.namespaced

    # -- ObjectReader

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object, from memory where that is known to be right. Raises ClusterError, NotFoundError when absent."""
        scope = namespace if kind.RESOURCE.namespaced else ""
        copies = self._trusted(kind, scope)
        if copies is None:
            return self._live.get(kind, namespace, name)
        seen = copies.look(scope, name)
        if seen is None:
            return self._asked(copies, scope, name)
        if seen.version == ABSENT:
            raise not_found(kind, name)
        if seen.obj is not None and kind not in WITH_CONTENT:
            return seen.obj
        content = self._contents.get(kind, scope, name, seen.version)
        return content if content is not None else self._asked(copies, scope, name)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return the objects of a kind, sorted by namespace and name; all namespaces are the watched ones."""
        scope = namespace if kind.RESOURCE.namespaced else ""
        copies = None if kind in WITH_CONTENT else self._trusted(kind, scope)
        if copies is None:
            return self._listed_live(kind, scope, label_selector)
        matches = parse_selector(label_selector)
        return [obj for obj in copies.list(scope) if matches(obj.metadata.labels)]

    def _listed_live(self, kind: type[Obj], namespace: str, label_selector: str) -> Sequence[Obj]:
        scopes = [namespace]
        if not namespace and kind.RESOURCE.namespaced and self._options.namespaces:
            scopes = sorted(set(self._options.namespaces))
        return [obj for scope in scopes for obj in self._live.list(kind, scope, label_selector=label_selector)]

    def _trusted(self, kind: type[Obj], namespace: str) -> Copies[Obj] | None:
        """Return the copies of a kind if they are complete and fresh for a namespace."""
        watched = self._kinds.get(kind)
        if watched is None or not watched.is_running or not watched.copies.covers(namespace):
            return None
        ages = [one.contact_age_s if one.is_synced else None for one in watched.of(namespace)]
        is_fresh = all(age is not None and age <= STALE_S for age in ages)
        return cast("Copies[Obj]", watched.copies) if is_fresh else None

    def _asked(self, copies: Copies[Obj], namespace: str, name: str) -> Obj:
        with copies.asking(namespace, name) as question:
            try:
                found = self._live.get(copies.kind, namespace, name)
            except NotFoundError:
                question.answered(None)
                raise
            found = self.keep(found)
            question.answered(found)
        return found

    # -- what this process writes

    def asking(self, obj: KubeObject) -> Question[Any] | None:
        """Return the context of a write of an object, None when nothing is kept of it."""
        watched = self._kinds.get(type(obj))
        if watched is None or not watched.is_running or not watched.copies.covers(obj.namespace):
            return None
        return watched.copies.asking(obj.namespace, obj.name)

    def keep(self, obj: Obj) -> Obj:
        """Return what is kept of an object the server returned, and keep its content where the watch shows none."""
        if type(obj) not in WITH_CONTENT:
            return slim(obj)
        content = slim_content(obj)
        self._contents.put(content)
        return content

    def forget(self, kind: type[KubeObject], namespace: str, name: str) -> None:
        """Read an object from the server when it is asked for next."""
        watched = self._kinds.get(kind)
        if watched is not None and watched.is_running:
            watched.copies.doubt(namespace if kind.RESOURCE.namespaced else "", name)
        self._contents.forget(kind, namespace, name)

    @property
    def counts(self) -> dict[str, int]:
        """Number of objects in memory by kind, and bytes of contents under `content bytes`."""
        sizes = {kind.RESOURCE.kind: len(watched.copies) for kind, watched in self._kinds.items() if watched.is_running}
        return {**sizes, "content bytes": self._contents.total_bytes}
