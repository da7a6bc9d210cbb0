"""ObjectWriter that tells the watched cluster what it wrote, so that the next read sees it before the watch does.

Read your writes: after create, update, set_finalizers, set_status and apply a read gives what the write returned, until
the watch shows that or anything newer. So a round right after the finalizer was added does not add it again, one right after
its status was written sees that status, and a clean-up releases the object in the version its own status write made.
A refused precondition, an object that exists already and an answer that got lost make the object doubtful: it is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubectl_asm.adapters.kube.watched import WatchedCluster
from kubectl_asm.adapters.writers import WriterAround
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectWriter


class NotingWriter(WriterAround):
    """Wraps a writer for a watched cluster."""

    def __init__(self, inner: ObjectWriter, watched: WatchedCluster) -> None:
        super().__init__(inner)
        self._watched = watched

    def delete(self, obj: KubeObject) -> None:
        """Delete. What finalizers make of it only the server knows, so the next read goes there."""
        try:
            self._inner.delete(obj)
        finally:
            self._watched.forget(type(obj), obj.namespace, obj.name)

    def _around(self, obj: KubeObject, write: Callable[[], Any]) -> Any:
        question = self._watched.asking(obj)
        if question is None:
            return write()
        with question:
            written = write()
            is_gone = written.metadata.is_deleting and not written.metadata.finalizers  # its last finalizer went
            question.answered(None if is_gone else self._watched.keep(written))
        return written
