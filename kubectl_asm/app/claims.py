"""Takes, renews and releases Leases for one replica, and remembers what it saw of those of others.

Whether somebody else's Lease has run out is judged by the time since it was last seen to change, on this process's own
monotonic clock; the times written in a Lease are for people. Source: client-go, tools/leaderelection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from kubectl_asm.app.tenure import Timings
from kubectl_asm.errors import AlreadyExistsError, ConflictError, NotFoundError
from kubectl_asm.model.leases import (
    MEMBER,
    SHARD,
    SHARDS_ANNOTATION,
    Lease,
    LeaseSpec,
    lease_labels,
    lease_selector,
    member_lease,
    micro_time,
    shard_lease,
)
from kubectl_asm.model.objects import Meta
from kubectl_asm.ports import Clock, LeaseStore


@dataclass(frozen=True, slots=True)
class Membership:
    """Who this replica is. identity: its own, of letters, digits and hyphens; lease: of the first shard; shards: how many."""

    identity: str
    lease: str
    shards: int = 1


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A Lease as it was last seen. changed_s: when it was first seen like that. exists: False once it was seen to be gone."""

    lease: Lease
    changed_s: float
    exists: bool = True


class Claims:
    """The Leases of one controller as one replica sees and writes them. For one thread."""

    def __init__(self, store: LeaseStore, me: Membership, timings: Timings, clock: Clock, now: Callable[[], datetime]) -> None:
        self._store = store
        self._me = me
        self._timings = timings
        self._clock = clock
        self._now = now
        self._seen: dict[str, _Sighting] = {}

    # -- looking

    def look(self, name: str) -> None:
        """Read one Lease."""
        try:
            self._see(self._store.get(name))
        except NotFoundError:
            self._see_gone(name)

    def look_at_all(self) -> None:
        """Read all Leases of this controller. That of the first shard may lack labels: somebody else may have made it."""
        found = self._store.list(lease_selector(self._me.lease))
        for lease in found:
            self._see(lease)
        for name in self._seen.keys() - {lease.name for lease in found} - {self._me.lease}:
            self._see_gone(name)
        if all(lease.name != self._me.lease for lease in found):
            self.look(self._me.lease)

    def is_mine(self, name: str) -> bool:
        """Whether a Lease names this replica as its holder."""
        return self._exists(name) and self._seen[name].lease.holder == self._me.identity

    def is_free(self, name: str) -> bool:
        """Whether this replica may take a Lease: it is absent, released, run out, or its own.

        A Lease that was deleted while somebody held it stays theirs until it would have run out.
        """
        sighting = self._seen.get(name)
        return sighting is None or sighting.lease.holder == self._me.identity or not self._is_live(sighting)

    def is_free_shard(self, shard: int) -> bool:
        """Whether this replica may take the Lease of a shard; see is_free."""
        return self.is_free(shard_lease(self._me.lease, shard))

    def is_my_shard(self, shard: int) -> bool:
        """Whether the Lease of a shard names this replica as its holder."""
        return self.is_mine(shard_lease(self._me.lease, shard))

    def has_foreign(self) -> bool:
        """Whether another replica holds a shard of another division of the work."""
        return any(lease.holder != self._me.identity and lease.shards != str(self._me.shards) for lease in self._live(SHARD))

    def holders(self) -> dict[int, str]:
        """Return who holds which shard."""
        names = {shard_lease(self._me.lease, shard): shard for shard in range(self._me.shards)}
        return {names[lease.name]: lease.holder for lease in self._live(SHARD) if lease.name in names}

    def members(self) -> set[str]:
        """Return the identities of all live replicas that divide the work as this one does."""
        return {lease.holder for lease in self._live(MEMBER) if lease.shards == str(self._me.shards)}

    def next_expiry_s(self) -> float | None:
        """Return the seconds until the next Lease of somebody else runs out, as things are."""
        now_s = self._clock.monotonic()
        live = [seen for seen in self._seen.values() if seen.lease.holder != self._me.identity and self._is_live(seen)]
        return min((self._expires_s(seen) - now_s for seen in live), default=None)

    def abandoned_members(self) -> list[Lease]:
        """Return Leases of replicas that have been gone for long."""
        now_s, long_s = self._clock.monotonic(), 10 * self._timings.lease_s
        return [
            seen.lease
            for seen in self._seen.values()
            if seen.exists and seen.lease.component == MEMBER and now_s - seen.changed_s > long_s and not self._is_live(seen)
        ]

    # -- writing

    def claim_shard(self, shard: int) -> float | None:
        """Take or renew the Lease of a shard; see _claim."""
        return self._claim(shard_lease(self._me.lease, shard), SHARD)

    def claim_membership(self) -> float | None:
        """Say that this replica is alive; see _claim."""
        return self._claim(member_lease(self._me.lease, self._me.identity), MEMBER)

    def release_shard(self, shard: int) -> None:
        """Let the next replica take a shard at once."""
        name = shard_lease(self._me.lease, shard)
        if self.is_mine(name):
            lease = self._seen[name].lease
            spec = msgspec.structs.replace(lease.spec, holder_identity=None, renew_time=micro_time(self._now()))
            self._see(self._store.update(msgspec.structs.replace(lease, spec=spec)))

    def end_membership(self) -> None:
        """Say that this replica is gone."""
        name = member_lease(self._me.lease, self._me.identity)
        if self.is_mine(name):
            self.remove(self._seen[name].lease)

    def remove(self, lease: Lease) -> None:
        """Delete a Lease."""
        self._store.delete(lease)
        self._seen.pop(lease.name, None)

    def _claim(self, name: str, component: str) -> float | None:
        """Take or renew a Lease. Returns the instant, before the request, from which it counts; None: it was not given.

        None also when the Lease vanished or changed meanwhile; what it is now was looked at then. Raises ClusterError.
        """
        if not self.is_free(name):
            return None
        started_s = self._clock.monotonic()
        try:
            self._see(self._write(name, component))
        except (ConflictError, AlreadyExistsError):
            self.look(name)
            return None
        return started_s

    def _write(self, name: str, component: str) -> Lease:
        sighting = self._seen.get(name)
        old = sighting.lease if sighting is not None else Lease()
        exists = self._exists(name)
        metadata = self._metadata(old.metadata if exists else Meta(name=name), component)
        lease = Lease(metadata=metadata, spec=self._spec(old, is_new=sighting is None))
        return self._store.update(lease) if exists else self._store.create(lease)

    def _metadata(self, old: Meta, component: str) -> Meta:
        labels = {**old.labels, **lease_labels(self._me.lease, component)}
        annotations = {**old.annotations, SHARDS_ANNOTATION: str(self._me.shards)}
        return msgspec.structs.replace(old, labels=labels, annotations=annotations)

    def _spec(self, old: Lease, *, is_new: bool) -> LeaseSpec:
        now, stays = micro_time(self._now()), old.holder == self._me.identity
        transitions = old.spec.lease_transitions or 0
        return LeaseSpec(
            holder_identity=self._me.identity,
            lease_duration_seconds=self._timings.recorded_s,
            acquire_time=(old.spec.acquire_time or now) if stays else now,
            renew_time=now,
            lease_transitions=transitions if stays or is_new else transitions + 1,
        )

    # -- remembering

    def _see(self, lease: Lease) -> None:
        sighting = self._seen.get(lease.name)
        unchanged = sighting is not None and sighting.lease.spec == lease.spec
        changed_s = sighting.changed_s if sighting is not None and unchanged else self._clock.monotonic()
        self._seen[lease.name] = _Sighting(lease, changed_s)

    def _exists(self, name: str) -> bool:
        return name in self._seen and self._seen[name].exists

    def _see_gone(self, name: str) -> None:
        sighting = self._seen.get(name)
        if sighting is None:
            return
        if sighting.lease.component != MEMBER and self._is_live(sighting):
            self._seen[name] = replace(sighting, exists=False)
        else:
            del self._seen[name]

    def _live(self, component: str) -> Iterator[Lease]:
        """Yield the Leases of a component that somebody holds; that of the first shard whoever made it."""
        for name, sighting in self._seen.items():
            of_component = sighting.lease.component == component or (component == SHARD and name == self._me.lease)
            if of_component and self._is_live(sighting):
                yield sighting.lease

    def _is_live(self, sighting: _Sighting) -> bool:
        return bool(sighting.lease.holder) and self._clock.monotonic() < self._expires_s(sighting)

    def _expires_s(self, sighting: _Sighting) -> float:
        """Return when a Lease runs out; its holder wrote for how long it is to be left alone."""
        return sighting.changed_s + (sighting.lease.spec.lease_duration_seconds or self._timings.recorded_s)
