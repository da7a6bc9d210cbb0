"""A writer that applies a child only when that can change something: a decorator of ObjectWriter.

Server-side apply of what is there already changes nothing and still costs the API server a write. So what was applied is
remembered with what came of it; while the live object still shows that, the same apply is answered from memory.
Source: spec/cluster-resources.md 4 (children are applied in every pass).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from kubectl_asm.adapters.writers import WriterAround
from kubectl_asm.errors import ClusterError
from kubectl_asm.model.objects import KubeObject, Meta, ObjectRef
from kubectl_asm.ports import ObjectReader, ObjectWriter


@dataclass(frozen=True, slots=True)
class _Applied:
    """What was asked for, and the parts of the answer that an apply can change."""

    wanted: KubeObject
    shown: tuple[Any, ...]


class RememberingWriter(WriterAround):
    """Wraps a writer. reader: answers from a watch. Safe for use by several threads."""

    def __init__(self, inner: ObjectWriter, reader: ObjectReader) -> None:
        super().__init__(inner)
        self._reader = reader
        self._lock = threading.Lock()
        self._applied: dict[ObjectRef, _Applied] = {}

    def delete(self, obj: KubeObject) -> None:
        """Delete."""
        self.forget(obj.ref)
        self._inner.delete(obj)

    def apply(self, obj: Any, *, force: bool) -> Any:
        """Apply, unless the live object shows exactly what an equal apply made of it."""
        with self._lock:
            before = self._applied.get(obj.ref)
        if before is not None and before.wanted == obj:
            live = self._live(obj)
            if live is not None and _shown(live) == before.shown:
                return live
        applied = self._inner.apply(obj, force=force)
        with self._lock:
            self._applied[obj.ref] = _Applied(obj, _shown(applied))
        return applied

    def forget(self, ref: ObjectRef) -> None:
        """Forget an object that is gone."""
        with self._lock:
            self._applied.pop(ref, None)

    def _live(self, obj: KubeObject) -> KubeObject | None:
        try:
            return self._reader.get(type(obj), obj.namespace, obj.name)
        except ClusterError:
            return None


def _shown(obj: KubeObject) -> tuple[Any, ...]:
    meta: Meta = obj.metadata
    return meta.uid, meta.generation, meta.deletion_timestamp, meta.labels, meta.annotations, meta.owner_references
