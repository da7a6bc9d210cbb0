"""ObjectWriters over and instead of others: forgetting readers, client-side dry runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectWriter


class ForgettingWriter:
    """ObjectWriter that makes a listing reader forget what was written, so that a new decision reads it afresh."""

    def __init__(self, inner: ObjectWriter, listed: ListedReader) -> None:
        self._inner = inner
        self._listed = listed

    def _forget(self, obj: KubeObject) -> None:
        self._listed.forget(type(obj), obj.namespace, obj.name)

    def create(self, obj: Any) -> Any:
        """Create."""
        self._forget(obj)
        return self._inner.create(obj)

    def update(self, obj: Any) -> Any:
        """Update."""
        self._forget(obj)
        return self._inner.update(obj)

    def delete(self, obj: KubeObject) -> None:
        """Delete."""
        self._forget(obj)
        self._inner.delete(obj)

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:
        """Replace finalizers."""
        self._forget(obj)
        return self._inner.set_finalizers(obj, finalizers)

    def set_status(self, obj: Any, status: Any) -> Any:
        """Write a status."""
        self._forget(obj)
        return self._inner.set_status(obj, status)

    def apply(self, obj: Any, *, force: bool) -> Any:
        """Apply."""
        self._forget(obj)
        return self._inner.apply(obj, force=force)


class ClientDryRun:
    """ObjectWriter for --dry-run=client: takes every write for done and does none."""

    def create(self, obj: Any) -> Any:
        """Return the object."""
        return obj

    def update(self, obj: Any) -> Any:
        """Return the object."""
        return obj

    def delete(self, obj: KubeObject) -> None:
        """Do nothing."""

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:  # noqa: ARG002  # the port's signature
        """Return the object."""
        return obj

    def set_status(self, obj: Any, status: Any) -> Any:  # noqa: ARG002  # the port's signature
        """Return the object."""
        return obj

    def apply(self, obj: Any, *, force: bool) -> Any:  # noqa: ARG002  # the port's signature
        """Return the object."""
        return obj
