"""Objects that were read whole, by version, in bounded memory: the least recently used ones go first."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from typing import Final, TypeVar, cast

from kubectl_asm.model.objects import ConfigMap, KubeObject, Secret

Obj = TypeVar("Obj", bound=KubeObject)
Key = tuple[str, str, str]

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
_OBJECT_BYTES: Final = 1024
_ENTRY_BYTES: Final = 160
"""What an object, and an entry of one of its mappings, takes besides its texts (measured: benchmarks/watch.py)."""


class ContentCache:
    """Keeps objects up to max_bytes as approximated by size_of; 0 keeps none. Thread-safe."""

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, tuple[KubeObject, int]] = OrderedDict()

    def get(self, kind: type[Obj], namespace: str, name: str, version: str) -> Obj | None:
        """Return the object if exactly this version is kept; another version is forgotten."""
        key = (kind.RESOURCE.kind, namespace, name)
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if found[0].metadata.resource_version != version:
                self._forget(key)
                return None
            self._kept.move_to_end(key)
            return cast("Obj", found[0])

    def put(self, obj: KubeObject) -> None:
        """Keep an object in the place of other versions of it, unless it is larger than everything."""
        key, size = (obj.RESOURCE.kind, obj.namespace, obj.name), size_of(obj)
        with self._lock:
            self._forget(key)
            if size > self._max_bytes:
                return
            while self._bytes + size > self._max_bytes:
                self._forget(next(iter(self._kept)))
            self._kept[key] = (obj, size)
            self._bytes += size

    def forget(self, kind: type[KubeObject], namespace: str, name: str) -> None:
        """Drop every version of an object."""
        with self._lock:
            self._forget((kind.RESOURCE.kind, namespace, name))

    @property
    def total_bytes(self) -> int:
        """Approximate size of what is kept."""
        with self._lock:
            return self._bytes

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def _forget(self, key: Key) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[1]


def size_of(obj: KubeObject) -> int:
    """Return about how many bytes of memory an object takes."""
    texts = [*obj.metadata.labels.items(), *obj.metadata.annotations.items()]
    if isinstance(obj, ConfigMap):
        texts += obj.data.items()
    total = _OBJECT_BYTES + sum(sys.getsizeof(key) + sys.getsizeof(value) + _ENTRY_BYTES for key, value in texts)
    if isinstance(obj, Secret):
        total += sum(sys.getsizeof(key) + len(value.reveal()) + _ENTRY_BYTES for key, value in obj.data.items())
    return total
