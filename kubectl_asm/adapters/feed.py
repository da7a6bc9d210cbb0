"""Changes on their way to subscribers: kept in order, told outside of the lock under which they happened.

Whoever holds objects (memory, the copies of a watched cluster) records changes here while it holds its own lock, lets go
of it and then calls tell. So a subscriber may read and write objects, and cannot deadlock with whoever changes them.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from kubectl_asm.model.objects import KubeObject

Obj = TypeVar("Obj", bound=KubeObject)
Told = Callable[[Any, Any], None]


class ChangeFeed:
    """Subscribers by kind and the changes they have not been told yet.

    Nothing is recorded before open. add, open and record are called under the lock of the objects, tell without it.
    """

    def __init__(self) -> None:
        self._subscribers: defaultdict[str, list[Told]] = defaultdict(list)
        self._pending: deque[tuple[Told, KubeObject | None, KubeObject | None]] = deque()
        self._turn = threading.RLock()
        self._is_open = False
        self._is_telling = False

    def add(self, kind: type[Obj], told: Callable[[Obj | None, Obj | None], None], existing: Iterable[Obj]) -> None:
        """Add a subscriber; when the feed is open it will be told of the existing objects first."""
        self._subscribers[kind.RESOURCE.kind].append(told)
        if self._is_open:
            self._pending.extend((told, None, obj) for obj in existing)

    def open(self, existing: Iterable[KubeObject] = ()) -> None:
        """Record from now on, beginning with the existing objects. Opening again does nothing."""
        if self._is_open:
            return
        self._is_open = True
        for obj in existing:
            self.record(None, obj)

    def record(self, old: KubeObject | None, new: KubeObject | None) -> None:
        """Take one change; at least one of both is an object."""
        obj = new if new is not None else old
        if self._is_open and obj is not None:
            self._pending.extend((told, old, new) for told in self._subscribers.get(obj.RESOURCE.kind, ()))

    def tell(self) -> None:
        """Tell everything recorded so far, by this thread or the one that is telling already.

        Changes a subscriber makes while it is told are told after it has returned.
        """
        with self._turn:
            if self._is_telling:
                return
            self._is_telling = True
            try:
                while self._pending:
                    told, old, new = self._pending.popleft()
                    told(old, new)
            finally:
                self._is_telling = False
