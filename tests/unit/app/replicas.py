"""Replicas of the controller around one API server, in simulated time: they die, freeze, lose their network, meet errors.

Requests take time and other replicas go on meanwhile, so steps interleave request by request. Whenever time passes, it is
checked that no two living replicas may write the same object; a frozen one is asked too, as if it woke up just then.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from kubectl_asm.app.claims import Membership
from kubectl_asm.app.holding import Holder
from kubectl_asm.app.tenure import Tenure, Timings
from kubectl_asm.errors import AlreadyExistsError, ConflictError, NotFoundError, UnavailableError
from kubectl_asm.model.leases import Lease
from kubectl_asm.model.objects import ObjectRef

LEASE = "kubectl-asm-controller"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
REFS = [ObjectRef("ExternalSecret", f"ns-{number % 3}", f"name-{number}") for number in range(24)]
PROBES = REFS[:9]  # they lie in every shard of up to four


class World:
    """Time and the server's store. fault_share, hang_share: of requests that fail, and of those that hang when it is down."""

    def __init__(self, seed: int = 1, *, latency_s: float = 0.01) -> None:
        self.now_s = 0.0
        self.chance = random.Random(seed)
        self.latency_s = latency_s
        self.fault_share = self.hang_share = 0.0
        self.is_down = False
        self.leases: dict[str, Lease] = {}
        self.versions = 0
        self.requests: list[tuple[str, str, str]] = []
        self.replicas: list[Replica] = []

    def start(self, **options) -> Replica:
        replica = Replica(self, f"replica-{len(self.replicas)}", **options)
        self.replicas.append(replica)
        return replica

    def run(self, seconds: float) -> None:
        """Let time pass: replicas step when they want to."""
        end_s = self.now_s + seconds
        while (following := min((one for one in self.replicas), key=lambda one: one.next_s)).next_s <= end_s:
            self.now_s = max(self.now_s, following.next_s)
            following.step()
            self.check()
        self.now_s = max(self.now_s, end_s)
        self.check()

    def run_until(self, is_reached: Callable[[], bool], longest_s: float = 120.0) -> float:
        """Let time pass until something holds; returns the seconds that took."""
        start_s = self.now_s
        while not is_reached():
            assert self.now_s - start_s < longest_s, "did not happen"
            self.run(0.05)
        return self.now_s - start_s

    def spend(self, seconds: float) -> None:
        """A request is on its way: the others go on."""
        end_s = self.now_s + seconds
        while due := [one for one in self.replicas if not one.is_stepping and one.next_s <= end_s]:
            following = min(due, key=lambda one: one.next_s)
            self.now_s = max(self.now_s, following.next_s)
            following.step()
        self.now_s = max(self.now_s, end_s)
        self.check()

    def check(self) -> None:
        """The promise: one writer an object."""
        for ref in PROBES:
            writers = [one.name for one in self.replicas if one.is_alive and one.may_write(ref)]
            assert len(writers) <= 1, f"{ref} has the writers {writers} at {self.now_s:.3f} s"

    def workers(self, ref: ObjectRef = REFS[0]) -> list[Replica]:
        return [one for one in self.replicas if one.is_alive and one.holder.may_start(ref)]

    def is_covered(self) -> bool:
        """Whether every object has a replica that works on it."""
        return all(self.workers(ref) for ref in REFS)


class Replica:
    """One process. rate: how fast its clock runs; wall: by how much its wall clock is off."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        shards: int = 1,
        timings: Timings | None = None,
        rate: float = 1.0,
        wall: timedelta = timedelta(),
    ) -> None:
        self.world, self.name, self.rate, self.wall = world, name, rate, wall
        self.origin_s = world.chance.uniform(0, 1e6)
        self.next_s = world.now_s
        self.is_alive = True
        self.is_stepping = False
        self.is_cut_off = False
        self.busy: set[int] = set()
        self.answers_take_s = 0.0
        self.told: list[tuple[str, int]] = []
        self.tenures: list[tuple[int, Tenure]] = []
        self.store = Store(self)
        self.holder = Holder(
            self.store,
            Membership(name, LEASE, shards),
            self,
            self,
            self.now,
            timings=timings,
            drain=lambda shard: shard not in self.busy,
            on_gained=self._gained,
            on_lost=lambda shard: self.told.append(("lost", shard)),
        )

    def step(self) -> None:
        if self.holder.is_finished or not self.is_alive:
            self.next_s = float("inf")
            return
        self.is_stepping = True
        wait_s = self.holder.step()
        self.is_stepping = False
        if self.is_alive:
            self.next_s = max(self.world.now_s + wait_s / self.rate, self.next_s)

    def _gained(self, shard: int) -> None:
        self.told.append(("gained", shard))
        (ref,) = [ref for ref in REFS if self.holder.shard_of(ref) == shard][:1] or [None]
        if ref is not None:
            self.tenures.append((shard, self.holder.tenure_of(ref)))

    def may_write(self, ref: ObjectRef) -> bool:
        """Whether any work that was ever begun may write."""
        return any(shard == self.holder.shard_of(ref) and tenure.holds() for shard, tenure in self.tenures)

    def held(self) -> int:
        return self.holder.held() if self.is_alive else 0

    def kill(self) -> None:
        self.is_alive = False
        self.next_s = float("inf")

    def freeze(self, seconds: float) -> None:
        """Stop the process for a while; its clock goes on."""
        if self.is_alive:
            self.next_s = self.world.now_s + seconds

    def stop(self) -> None:
        """Ask it to end, as a SIGTERM does. A frozen process hears it when it wakes."""
        self.holder.stop()
        if not self.is_stepping and self.is_alive and self.next_s - self.world.now_s < 3:
            self.next_s = self.world.now_s

    # -- Clock, Random and wall time of this replica

    def monotonic(self) -> float:
        return self.origin_s + self.world.now_s * self.rate

    def wait(self, seconds: float) -> bool:
        raise AssertionError("steps do not wait")

    def uniform(self, low: float, high: float) -> float:
        return self.world.chance.uniform(low, high)

    def below(self, limit: int) -> int:
        return self.world.chance.randrange(limit)

    def token(self, count: int) -> bytes:
        return self.world.chance.randbytes(count)

    def now(self) -> datetime:
        return EPOCH + self.wall + timedelta(seconds=self.world.now_s)


class Store:
    """LeaseStore of one replica: optimistic locking over the common store, with the troubles of a network."""

    def __init__(self, replica: Replica) -> None:
        self.replica, self.world = replica, replica.world

    def get(self, name: str) -> Lease:
        return self._ask("get", name, lambda: self._present(name))

    def list(self, label_selector: str) -> Sequence[Lease]:
        wanted = dict(part.split("=") for part in label_selector.split(","))
        return self._ask(
            "list", "", lambda: [one for one in self.world.leases.values() if wanted.items() <= one.metadata.labels.items()]
        )

    def create(self, lease: Lease) -> Lease:
        def create() -> Lease:
            if lease.name in self.world.leases:
                raise AlreadyExistsError("exists", status=409)
            return self._store(lease)

        return self._ask("create", lease.name, create)

    def update(self, lease: Lease) -> Lease:
        def update() -> Lease:
            if self._version(lease.name) != lease.metadata.resource_version:
                raise ConflictError("changed", status=409)
            return self._store(lease)

        return self._ask("update", lease.name, update)

    def delete(self, lease: Lease) -> None:
        def delete() -> None:
            if lease.name in self.world.leases:
                if self._version(lease.name) != lease.metadata.resource_version:
                    raise ConflictError("changed", status=409)
                del self.world.leases[lease.name]

        self._ask("delete", lease.name, delete)

    def _present(self, name: str) -> Lease:
        if name not in self.world.leases:
            raise NotFoundError("absent", status=404)
        return self.world.leases[name]

    def _version(self, name: str) -> str:
        return self.world.leases[name].metadata.resource_version if name in self.world.leases else ""

    def _store(self, lease: Lease) -> Lease:
        self.world.versions += 1
        metadata = msgspec.structs.replace(lease.metadata, resource_version=str(self.world.versions), uid=f"uid-{lease.name}")
        self.world.leases[lease.name] = stored = msgspec.structs.replace(lease, metadata=metadata)
        return stored

    def _ask(self, verb: str, name: str, action):
        world = self.world
        world.requests.append((self.replica.name, verb, name))
        fate = world.chance.random()
        trouble = "" if fate >= world.fault_share else world.chance.choice(("refused", "lost", "slow there", "slow back"))
        world.spend(world.chance.uniform(0, 2 * world.latency_s))
        if self.replica.is_cut_off or world.is_down:
            world.spend(5.0 if world.chance.random() < world.hang_share else 0.0)
            raise UnavailableError("no answer")
        if trouble == "refused":
            raise UnavailableError("busy", status=world.chance.choice((429, 500, 503)))
        if trouble == "slow there":
            world.spend(world.chance.uniform(0, 20))
        answer = action()
        world.spend(world.chance.uniform(0, 2 * world.latency_s) + self.replica.answers_take_s)
        if trouble == "lost":
            raise UnavailableError("the answer got lost")
        if trouble == "slow back":
            world.spend(world.chance.uniform(0, 20))
        return answer
