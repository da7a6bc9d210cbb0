"""From a change in the cluster to the work it causes: exactly the objects concerned, and only those of this replica.

Watch threads call this with (old, new); nothing they call reads the cluster or fails. Whether a change matters is the
engine's answer.
Source: spec/controller.md 4, spec/cluster-resources.md 6.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from kubectl_asm.app.index import UseIndex
from kubectl_asm.app.queue import Priority, WorkQueue
from kubectl_asm.engine.scope import expands_cluster_external_secrets, reconciles_cluster_stores
from kubectl_asm.engine.triggers import matters, selection_changed
from kubectl_asm.engine.uses import target_of, uses_of
from kubectl_asm.errors import AccessError
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import ConfigMap, KubeObject, Namespace, ObjectRef, Secret, ServiceAccount
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.ports import ObjectReader, ObjectWatcher

RECONCILED: Final[tuple[type[KubeObject], ...]] = (SecretStore, ClusterSecretStore, ClusterExternalSecret, ExternalSecret)
"""Kinds that are worked on, those first whose outcome others read."""

ON_DEMAND: Final[tuple[type[KubeObject], ...]] = (ServiceAccount, ConfigMap)
"""Kinds that nobody works on, only refers to."""

_STORES: Final = frozenset({SecretStore.RESOURCE.kind, ClusterSecretStore.RESOURCE.kind})
_REPAIR_SPACING_S: Final = 60.0
"""A target that vanishes is made again at once, the second time within this only when it is over: nobody chases anybody."""


def worked_on(settings: Settings) -> tuple[type[KubeObject], ...]:
    """Return the kinds that are worked on under some settings, in the order of RECONCILED."""
    off: set[type[KubeObject]] = set()
    if not reconciles_cluster_stores(settings):
        off.add(ClusterSecretStore)
    if not expands_cluster_external_secrets(settings):
        off.add(ClusterExternalSecret)
    return tuple(kind for kind in RECONCILED if kind not in off)


def needed_by_others(settings: Settings) -> tuple[type[KubeObject], ...]:
    """Return the kinds that are watched once somebody refers to them; stores that are worked on are watched anyway."""
    return ON_DEMAND if reconciles_cluster_stores(settings) else (*ON_DEMAND, ClusterSecretStore)


@dataclass(slots=True)
class Dispatcher:
    """Turns changes into work. is_mine: whether this replica works on an object. has_started: after the first listing.

    on_gone: told of every reconciled object that vanished.
    """

    queue: WorkQueue
    reader: ObjectReader
    settings: Settings
    monotonic: Callable[[], float]
    is_mine: Callable[[ObjectRef], bool] = lambda _ref: True
    has_started: Callable[[], bool] = lambda: True
    on_gone: Callable[[ObjectRef], None] = lambda _ref: None
    needs: Callable[[type[KubeObject]], None] = lambda _kind: None
    _uses: UseIndex = field(default_factory=UseIndex)
    _targets: UseIndex = field(default_factory=UseIndex)
    _parents: dict[ObjectRef, ClusterExternalSecret] = field(default_factory=dict)
    _repaired_s: dict[ObjectRef, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def subscribe(self, watcher: ObjectWatcher) -> None:
        """Ask to be told of everything that can matter."""
        for kind in RECONCILED:
            watcher.subscribe(kind, self.reconciled_changed)
        for kind in ON_DEMAND:
            watcher.subscribe(kind, self.used_changed)
        watcher.subscribe(Secret, self.secret_changed)
        watcher.subscribe(Namespace, self.namespace_changed)

    def everything(self, is_wanted: Callable[[ObjectRef], bool] = lambda _ref: True) -> None:
        """Ask for work on every object that is wanted: this replica starts, or got more to do.

        Kinds that may not be read are passed over; raises other ClusterErrors.
        """
        for kind in worked_on(self.settings):
            for obj in self._readable(kind):
                if is_wanted(obj.ref):
                    self._ask(obj.ref, Priority.NEW)

    # -- what changed

    def reconciled_changed(self, old: KubeObject | None, new: KubeObject | None) -> None:
        """A store, an ExternalSecret or a ClusterExternalSecret changed. One of the same name in its place is another."""
        obj = new or old
        assert obj is not None
        if old is not None and new is not None and old.metadata.uid != new.metadata.uid:
            self.reconciled_changed(old, None)
            self.reconciled_changed(None, new)
            return
        self._record(obj.ref, new)
        is_relevant = matters(old, new)
        if new is None:
            self.queue.forget(obj.ref)
            self.on_gone(obj.ref)
            self._child_vanished(obj)
        elif is_relevant:
            is_first = old is None and not self.has_started()
            self._ask(obj.ref, Priority.NEW if is_first else Priority.CHANGE)
        if is_relevant and obj.ref.kind in _STORES:
            self._ask_all(self._uses.users_of(obj.ref))

    def used_changed(self, old: KubeObject | None, new: KubeObject | None) -> None:
        """Something that others refer to changed: wake its users, and behind a store the users of that.

        Who writes a Secret is not woken by it though it may be a source of its own template: that could go on for ever.
        """
        obj = new or old
        assert obj is not None
        if not matters(old, new):
            return
        writers = self._targets.users_of(obj.ref)
        users = [user for user in self._uses.users_of(obj.ref) if user not in writers]
        self._ask_all(users)
        for user in users:
            if user.kind in _STORES:
                self._ask_all(self._uses.users_of(user))

    def secret_changed(self, old: KubeObject | None, new: KubeObject | None) -> None:
        """A Secret changed: one that is used, or a target that vanished. Other edits of targets wait for the refresh."""
        self.used_changed(old, new)
        if new is None and old is not None:
            for owner in self._targets.users_of(old.ref):
                self._repair(owner)

    def namespace_changed(self, old: Namespace | None, new: Namespace | None) -> None:
        """A namespace changed: its own objects, and the cluster resources that select it now or did before."""
        self.used_changed(old, new)
        if not (matters(old, new) and self.has_started() and expands_cluster_external_secrets(self.settings)):
            return
        with self._lock:
            parents = tuple(self._parents.values())
        for parent in parents:
            if selection_changed(parent, old, new, self.settings):
                self._ask(parent.ref, Priority.NEW)

    # -- bookkeeping

    def _readable(self, kind: type[KubeObject]) -> Sequence[KubeObject]:
        try:
            return self.reader.list(kind)
        except AccessError:
            return ()  # the watch of the kind says so, once

    def _record(self, ref: ObjectRef, new: KubeObject | None) -> None:
        if new is None:
            self._uses.drop(ref)
            self._targets.drop(ref)
            with self._lock:
                self._repaired_s.pop(ref, None)
                self._parents.pop(ref, None)
            return
        uses = uses_of(new)
        self._uses.put(ref, uses)
        names = {used.kind for used in uses}
        for kind in needed_by_others(self.settings):
            if kind.RESOURCE.kind in names:
                self.needs(kind)
        if isinstance(new, ClusterExternalSecret):
            with self._lock:
                self._parents[ref] = new
        if isinstance(new, ExternalSecret):
            self._targets.put(ref, frozenset({target_of(new)}))

    def _child_vanished(self, obj: KubeObject) -> None:
        """A child that somebody deleted comes back at once."""
        if not expands_cluster_external_secrets(self.settings):
            return
        owner = obj.metadata.controller
        if isinstance(obj, ExternalSecret) and owner is not None and owner.kind == ClusterExternalSecret.RESOURCE.kind:
            self._ask(ObjectRef(owner.kind, "", owner.name), Priority.NEW)

    def _repair(self, owner: ObjectRef) -> None:
        if not self.is_mine(owner):
            return
        now_s = self.monotonic()
        with self._lock:
            wait_s = self._repaired_s.get(owner, now_s - _REPAIR_SPACING_S) + _REPAIR_SPACING_S - now_s
            if wait_s <= 0:
                self._repaired_s[owner] = now_s
        if wait_s > 0:
            self.queue.add_within(owner, wait_s)
        else:
            self.queue.add(owner, Priority.CHANGE)

    def _ask_all(self, refs: Sequence[ObjectRef]) -> None:
        for ref in refs:
            self._ask(ref, Priority.NEW)

    def _ask(self, ref: ObjectRef, priority: Priority) -> None:
        if self.is_mine(ref):
            self.queue.add(ref, priority)
