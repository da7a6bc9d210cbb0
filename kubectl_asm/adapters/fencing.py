"""Keeps writes within the time for which this replica holds the Lease of their object.

Work is done under a tenure (ports.py). No write begins once that is over: `FencedWriter` refuses it and names the object,
and `Fence.check_request`, called by the connection right before a request leaves, catches what waited in between.
The bound: a holder stops at its renew deadline, others begin after the lease duration, so what can still overlap with the
work of another replica is one request a worker that left before the deadline and takes longer than the difference (5 s by
default) to arrive, or whose process was stopped between the check and the socket. Updates, deletions and changes of
finalizers name the version or uid that was read, so even those never overwrite what the other replica wrote.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from kubectl_asm.adapters.writers import WriterAround
from kubectl_asm.errors import LeaseLostError
from kubectl_asm.model.objects import KubeObject
from kubectl_asm.ports import ObjectWriter, Tenure

_HINT: Final = "whichever replica holds the Lease works on it; nothing has to be done"


class Fence:
    """Knows under which tenure each thread works."""

    def __init__(self) -> None:
        self._threads = threading.local()

    @contextmanager
    def under(self, tenure: Tenure | None) -> Iterator[None]:
        """Do this thread's writes under a tenure; None: it may write nothing."""
        before = self._tenure()
        self._threads.tenure = tenure
        try:
            yield
        finally:
            self._threads.tenure = before

    def check(self, obj: KubeObject) -> None:
        """Raise LeaseLostError unless this thread may write now; a thread that works under no tenure may not."""
        tenure = self._tenure()
        if tenure is None or not tenure.holds():
            raise LeaseLostError(f"{obj.ref} was not written: this replica does not hold its Lease any more", hint=_HINT)

    def check_request(self) -> None:
        """Raise LeaseLostError when the tenure of this thread is over. Threads without one (Events) are not held up."""
        tenure = self._tenure()
        if tenure is not None and not tenure.holds():
            raise LeaseLostError("the request was not sent: this replica does not hold the Lease any more", hint=_HINT)

    def _tenure(self) -> Tenure | None:
        tenure: Tenure | None = getattr(self._threads, "tenure", None)
        return tenure


class FencedWriter(WriterAround):
    """ObjectWriter that writes only under a tenure that holds."""

    def __init__(self, inner: ObjectWriter, fence: Fence) -> None:
        super().__init__(inner)
        self._fence = fence

    def _around(self, obj: KubeObject, write: Callable[[], Any]) -> Any:
        self._fence.check(obj)
        return write()
