"""Who uses what: the reverse of engine/uses.py, kept current as objects come and go."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable

from kubectl_asm.model.objects import ObjectRef


class UseIndex:
    """Maps a used object to its users. Safe for use by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: defaultdict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        self._uses: dict[ObjectRef, frozenset[ObjectRef]] = {}

    def put(self, user: ObjectRef, uses: frozenset[ObjectRef]) -> None:
        """Record everything an object uses, in place of what was recorded before."""
        with self._lock:
            before = self._uses.get(user, frozenset())
            if before == uses:
                return
            self._remove(user, before - uses)
            for used in uses - before:
                self._users[used].add(user)
            self._uses[user] = uses

    def drop(self, user: ObjectRef) -> None:
        """Forget an object that is gone."""
        with self._lock:
            self._remove(user, self._uses.pop(user, frozenset()))

    def users_of(self, used: ObjectRef) -> tuple[ObjectRef, ...]:
        """Return who uses an object, sorted."""
        with self._lock:
            return tuple(sorted(self._users.get(used, ())))

    def uses_kind(self, kind: str) -> bool:
        """Return whether anything of a kind is used at all."""
        with self._lock:
            return any(used.kind == kind for used in self._users)

    def _remove(self, user: ObjectRef, uses: Iterable[ObjectRef]) -> None:
        for used in uses:
            users = self._users[used]
            users.discard(user)
            if not users:
                del self._users[used]
