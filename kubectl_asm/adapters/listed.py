"""ObjectReader that answers many gets of one pass from few lists. A decorator: whoever asks does not notice.

A pass over hundreds of ExternalSecrets asks for the same stores again and again and for one Secret each. Every object is
asked for at most once; where many objects of one kind and namespace are announced, one list replaces the gets. Lives
for one pass: what it holds is a snapshot, and writes still carry version preconditions.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from kubectl_asm.adapters.apirules import not_found
from kubectl_asm.errors import AccessError, NotFoundError
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectReader

Obj = TypeVar("Obj", bound=KubeObject)
Scope = tuple[str, str]

DEFAULT_THRESHOLD = 8
MANY_NAMESPACES = 20


@dataclass(slots=True)
class _Slot:
    """What is known about one question; filled by the first thread that asks it, others wait for its lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    is_filled: bool = False
    answer: Any = None


class ListedReader:
    """Wraps a reader. threshold: announced objects of a kind in one namespace from which on they are listed at once.

    With MANY_NAMESPACES or more such namespaces the kind is listed in all of them with one request. A list that RBAC
    refuses is replaced by gets. Safe for use by several threads.
    """

    def __init__(self, inner: ObjectReader, *, threshold: int = DEFAULT_THRESHOLD) -> None:
        self._inner = inner
        self._threshold = threshold
        self._wanted: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._lock = threading.Lock()
        self._objects: defaultdict[tuple[str, str, str], _Slot] = defaultdict(_Slot)
        self._lists: defaultdict[tuple[str, str, str], _Slot] = defaultdict(_Slot)
        self._fresh: set[tuple[str, str, str]] = set()

    def announce(self, kind: type[KubeObject], names: Iterable[tuple[str, str]]) -> None:
        """Say which (namespace, name) of a kind this pass will ask for. Duplicates count once."""
        with self._lock:
            self._wanted[kind.RESOURCE.kind].update(namespace for namespace, _ in set(names))

    def forget(self, kind: type[KubeObject], namespace: str, name: str) -> None:
        """Read one object afresh from now on: it was written, or a write of it met a conflict."""
        key = (kind.RESOURCE.kind, namespace, name)
        with self._lock:
            self._objects.pop(key, None)
            self._fresh.add(key)

    def forget_all(self) -> None:
        """Read everything afresh from now on: another pass begins."""
        with self._lock:
            self._objects.clear()
            self._lists.clear()
            self._fresh.clear()

    def get(self, kind: type[Obj], namespace: str, name: str) -> Obj:
        """Return one object, from a list where that pays."""
        key = (kind.RESOURCE.kind, namespace, name)
        with self._lock:
            if key in self._fresh:
                slot = None
            else:
                slot = self._objects[key]
        if slot is None:
            return self._inner.get(kind, namespace, name)
        found = self._filled(slot, lambda: self._find(kind, namespace, name))
        if found is None:
            raise not_found(kind, name)
        return cast("Obj", found)

    def list(self, kind: type[Obj], namespace: str = "", *, label_selector: str = "") -> Sequence[Obj]:
        """Return the objects of a kind; the same list is read once."""
        slot = self._list_slot(kind, namespace, label_selector)
        found = self._filled(slot, lambda: self._inner.list(kind, namespace, label_selector=label_selector))
        return cast("Sequence[Obj]", found)

    def _find(self, kind: type[Obj], namespace: str, name: str) -> Obj | None:
        scope = self._scope(kind, namespace)
        if scope is not None:
            listed = self._index(kind, scope)
            if listed is not None:
                return listed.get((namespace, name))
        try:
            return self._inner.get(kind, namespace, name)
        except NotFoundError:
            return None

    def _scope(self, kind: type[KubeObject], namespace: str) -> str | None:
        """Return the namespace to list for a get, empty for all, None when a single get is cheaper."""
        with self._lock:
            wanted = self._wanted[kind.RESOURCE.kind]
            if wanted[namespace] < self._threshold:
                return None
            crowded = sum(1 for count in wanted.values() if count >= self._threshold)
        return "" if crowded >= MANY_NAMESPACES else namespace

    def _index(self, kind: type[Obj], namespace: str) -> dict[tuple[str, str], Obj] | None:
        """Return the listed objects by name; None when listing is forbidden."""
        with self._lock:
            slot = self._lists[(kind.RESOURCE.kind, namespace, "index")]

        def read() -> dict[tuple[str, str], Obj] | None:
            try:
                return {(obj.namespace, obj.name): obj for obj in self.list(kind, namespace)}
            except AccessError as error:
                if error.status == 403:
                    return None
                raise

        return cast("dict[tuple[str, str], Obj] | None", self._filled(slot, read))

    def _list_slot(self, kind: type[KubeObject], namespace: str, selector: str) -> _Slot:
        with self._lock:
            return self._lists[(kind.RESOURCE.kind, namespace, f"list {selector}")]

    @staticmethod
    def _filled(slot: _Slot, read: Any) -> Any:
        """Return the slot's answer, reading it when this is the first question; a failure is not remembered."""
        with slot.lock:
            if not slot.is_filled:
                slot.answer = read()
                slot.is_filled = True
            return slot.answer
