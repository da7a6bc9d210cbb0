"""ObjectWriters over and instead of others: what decorators share, forgetting readers, client-side dry runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectWriter


class WriterAround:
    """ObjectWriter around another one: decorators say in `_around` what every write is surrounded with."""

    def __init__(self, inner: ObjectWriter) -> None:
        self._inner = inner

    def create(self, obj: Any) -> Any:
        """Create."""
        return self._around(obj, lambda: self._inner.create(obj))

    def update(self, obj: Any) -> Any:
        """Update."""
        return self._around(obj, lambda: self._inner.update(obj))

    def delete(self, obj: KubeObject) -> None:
        """Delete."""
        self._around(obj, lambda: self._inner.delete(obj))

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:
        """Replace finalizers."""
        return self._around(obj, lambda: self._inner.set_finalizers(obj, finalizers))

    def set_status(self, obj: Any, status: Any) -> Any:
        """Write a status."""
        return self._around(obj, lambda: self._inner.set_status(obj, status))

    def apply(self, obj: Any, *, force: bool) -> Any:
        """Apply."""
        return self._around(obj, lambda: self._inner.apply(obj, force=force))

    def _around(self, obj: KubeObject, write: Callable[[], Any]) -> Any:  # noqa: ARG002  # for those who need the object
        return write()


class ForgettingWriter(WriterAround):
    """ObjectWriter that makes a listing reader forget what was written, so that a new decision reads it afresh."""

    def __init__(self, inner: ObjectWriter, listed: ListedReader) -> None:
        super().__init__(inner)
        self._listed = listed

    def _around(self, obj: KubeObject, write: Callable[[], Any]) -> Any:
        self._listed.forget(type(obj), obj.namespace, obj.name)
        return write()


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
