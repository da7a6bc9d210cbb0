"""A controller without threads, sockets or sleep: the loop and the real decorators between memory and a cloud by script.

Time moves only when nothing is due. Waits of a worker before it asks again are taken aside, as they are where other workers
go on meanwhile; waits for a token and for a slot move time for everybody.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from kubectl_asm.adapters.decorate import Retry
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.app.conditions import ConditionBook
from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.loop import Loop
from kubectl_asm.app.queue import WorkQueue
from kubectl_asm.app.reconcile import ExternalSecretWork, StoreWork
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Done
from kubectl_asm.errors import NotFoundError
from kubectl_asm.manifest.limits_file import Limits
from kubectl_asm.model.backend import BackendError, SecretAnswer
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import FINALIZER, ObjectRef, Secret
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.wiring.limiting import Limiting
from kubectl_asm.wiring.sharing import PATIENCE, shared_values
from tests.harness.cases import loaded
from tests.harness.world import FakeClock, SeededRandom

INTERVAL_S = 120.0
ENVIRONMENT = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}
NAMESPACE = "team"


def external(name: str, *keys: str, store: str = "", **spec: Any) -> Any:
    """Return an ExternalSecret as a controller left it."""
    ref = {"secretStoreRef": {"name": store, "kind": "SecretStore"}} if store else {}
    meta = {"name": name, "namespace": NAMESPACE, "finalizers": [FINALIZER]}
    return loaded({"kind": "ExternalSecret", "metadata": meta, "spec": {"data": [{"key": key, **ref} for key in keys], **spec}})


def store(name: str, secret: str = "good") -> list[Any]:
    """Return a SecretStore and the Secret with its AccessKey."""
    auth = {"accessKey": {"name": name, "key": "id"}, "accessKeySecret": {"name": name, "key": "secret"}}
    meta = {"name": name, "namespace": NAMESPACE}
    return [
        loaded({"kind": "SecretStore", "metadata": {**meta, "finalizers": [FINALIZER]}, "spec": {"KMS": {"KMSAuth": auth}}}),
        loaded({"kind": "Secret", "metadata": meta, "stringData": {"id": name, "secret": secret}}),
    ]


@dataclass(frozen=True)
class Call:
    """A call that reached the cloud. store: name of the client; keys: one, or those of a batch."""

    at_s: float
    store: str
    keys: tuple[str, ...]
    is_failed: bool


@dataclass
class Cloud:
    """Answers every key with `<key> <edition>`. whole, item: what fails, by client and key; seconds: how long a call takes."""

    clock: Any
    whole: Any = lambda _client: None
    item: Any = lambda _key: None
    seconds: Any = lambda _client: 0.0
    edition: str = "1"
    calls: list[Call] = field(default_factory=list)

    def read(self, read):
        outcome = self._call(read.client, (read,))[0]
        if isinstance(outcome, BackendError):
            raise outcome
        return outcome

    def read_batch(self, client, reads):
        return self._call(client, reads)

    def _call(self, client, reads):
        self.clock.wait(self.seconds(client))
        error = self.whole(client)
        outcomes = [] if error else [self.item(read.request.key) or self._answer(read.request.key) for read in reads]
        is_failed = error is not None or any(isinstance(one, BackendError) for one in outcomes)
        keys = tuple(read.request.key for read in reads)
        self.calls.append(Call(self.clock.monotonic(), client.name, keys, is_failed))
        if error:
            raise error
        return outcomes

    def _answer(self, key):
        return SecretAnswer(SecretBytes.of_text(f"{key} {self.edition}"))

    def asked(self, since_s=0.0, until_s=float("inf"), *, client=""):
        """Return how often each key was asked for."""
        chosen = (call for call in self.calls if since_s <= call.at_s < until_s and client in call.store)
        return Counter(key for call in chosen for key in call.keys)

    def times(self, key):
        """Return when a key was asked for, in seconds."""
        return [call.at_s for call in self.calls if key in call.keys]


class Aside:
    """A clock whose waits pass beside the time of the others."""

    def __init__(self, clock):
        self._clock = clock

    def monotonic(self):
        return self._clock.monotonic()

    def wait(self, _seconds):
        return True


class Wall:
    """Wall time of a FakeClock, which somebody may set. jump: how far it is off."""

    def __init__(self, clock):
        self._clock = clock
        self.jump = timedelta()

    def __call__(self):
        return self._clock.instant() + self.jump


class Controller:
    """The parts of `serve` in one thread. cloud: what it reads; plans: what rounds came to; late: (kind, seconds) of each."""

    def __init__(self, objects, *, limits=None):
        self.clock, self.random = FakeClock(), SeededRandom()
        self.wall = Wall(self.clock)
        self.cloud = Cloud(self.clock)
        self.cluster = MemoryCluster(objects, now=self.wall)
        self.settings = Settings(region="cn-hangzhou", polling_interval=timedelta(seconds=INTERVAL_S))
        self.plans: list[tuple[float, Any]] = []
        self.late: list[tuple[ObjectRef, float]] = []
        self.tokens = 0
        world = SimpleNamespace(clock=self.clock, random=self.random)
        self._limiting = Limiting(world, ControllerMetrics(), limits or Limits(10, 10, 300, 0, 0))
        retry = Retry(Aside(self.clock), self.random, PATIENCE)
        self.circuit, values = shared_values(self.cloud, self._limiting, ControllerMetrics(), self.clock, retry, workers=16)
        self.queue = WorkQueue(self.clock)
        self.loop = Loop(self.queue, self._works(values), self.random, on_taken=self._taken)
        self._is_started = False
        Dispatcher(self.queue, self.cluster, self.settings, self.clock.monotonic, has_started=lambda: self._is_started).subscribe(
            self.cluster
        )
        self.cluster.start()
        self._is_started = True

    def _works(self, values):
        executor = Executor(self.cluster, self.cluster, conditions=ConditionBook(self.cluster))
        ports = RoundPorts(
            self.cluster, References(self.cluster), values.within(0.0), self, self.wall,
            template_environments(self.random, self.clock), ENVIRONMENT,
        )  # fmt: skip
        shared = (self, self.clock.monotonic)
        rounds = Rounds(ports, self.settings)
        stores = StoreWork(SecretStore, self.cluster, self.cluster, self.settings, ENVIRONMENT, self.wall, *shared)
        return {
            ExternalSecret.RESOURCE.kind: ExternalSecretWork(
                self.cluster, rounds, values, lambda found, obj: found.run(obj, executor), *shared
            ),
            SecretStore.RESOURCE.kind: stores,
            ClusterSecretStore.RESOURCE.kind: lambda _item: Done(None),
            ClusterExternalSecret.RESOURCE.kind: lambda _item: Done(None),
        }

    # -- what the parts tell

    def take(self, provider):
        self.tokens += 1
        self._limiting.bucket.take(provider)

    def round_done(self, plan, duration_s):
        self.plans.append((self.clock.monotonic(), plan))

    def store_done(self, plan, duration_s):
        pass

    def _taken(self, item):
        self.late.append((item.key, item.waited_s))

    # -- what tests do

    def run(self, seconds):
        """Let time pass, and do all work that becomes due."""
        end_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end_s:
            if self.loop.step():
                continue
            pause_s = self.queue.until_next_s()
            left_s = end_s - self.clock.monotonic()
            self.clock.wait(left_s if pause_s is None else min(max(pause_s, 0.001), left_s))

    def data(self, name):
        try:
            secret = self.cluster.get(Secret, NAMESPACE, name)
        except NotFoundError:
            return None
        return {key: value.reveal_text() for key, value in secret.data.items()}

    def conditions(self, name):
        """Return the status of every condition by type."""
        status = self.cluster.get(ExternalSecret, NAMESPACE, name).status
        return {one.type: one.status for one in status.conditions}

    def rounds(self, since_s=0.0, until_s=float("inf")):
        return sum(since_s <= at_s < until_s for at_s, _ in self.plans)
