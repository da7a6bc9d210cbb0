"""ObjectWriter that tells the watched cluster what it wrote, so that the next read sees it before the watch does.

Read your writes: after create, update, set_finalizers, set_status and apply a read gives what the write returned, until
the watch shows that or anything newer. So a round right after the finalizer was added does not add it again, one right after
its status was written sees that status, and a clean-up releases the object in the version its own status write made.
A refused precondition, an object that exists already and an answer that got lost make the object doubtful: it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_asm.adapters.kube.watched import WatchedCluster
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectWriter


class NotingWriter:
    """Wraps a writer for a watched cluster."""

    def __init__(self, inner: ObjectWriter, watched: WatchedCluster) -> None:
        self._inner = inner
        self._watched = watched

    def create(self, obj: Any) -> Any:
        """Create."""
        return self._noted(obj, lambda: self._inner.create(obj))

    def update(self, obj: Any) -> Any:
        """Update."""
        return self._noted(obj, lambda: self._inner.update(obj))

    def delete(self, obj: KubeObject) -> None:
        """Delete. What finalizers make of it only the server knows, so the next read goes there."""
        try:
            self._inner.delete(obj)
        finally:
            self._watched.forget(type(obj), obj.namespace, obj.name)

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:
        """Replace finalizers; with its last one an object that is being deleted is gone."""
        return self._noted(obj, lambda: self._inner.set_finalizers(obj, finalizers))

    def set_status(self, obj: Any, status: Any) -> Any:
        """Write a status."""
        return self._noted(obj, lambda: self._inner.set_status(obj, status))

    def apply(self, obj: Any, *, force: bool) -> Any:
        """Apply."""
        return self._noted(obj, lambda: self._inner.apply(obj, force=force))

    def _noted(self, obj: KubeObject, write: Callable[[], Any]) -> Any:
        question = self._watched.asking(obj)
        if question is None:
            return write()
        with question:
            written = write()
            is_gone = written.metadata.is_deleting and not written.metadata.finalizers
            question.answered(None if is_gone else self._watched.keep(written))
        return written
