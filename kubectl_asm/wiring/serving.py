"""The controller of `serve`: watches in front of the API server, decorators in front of the cloud, the engine in between.

    values    sharing.py: what workers share is read once, what fails is left alone, what is called is limited and counted
    objects   WatchedCluster for every read; Remembering > Noting > Fenced > KubeWriter for every write

In shadow mode no writer, no lease and no Event sender is built at all: what is not there cannot be called.
Source: design of one engine with three drivers; spec/controller.md 4, spec/operation.md 8.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from kubectl_asm.adapters.ageing import AgeingSource
from kubectl_asm.adapters.circuit import CircuitReader
from kubectl_asm.adapters.decorate import Retry
from kubectl_asm.adapters.endpoints import Answer, Endpoints, verdict
from kubectl_asm.adapters.fencing import Fence, FencedWriter
from kubectl_asm.adapters.kube.connection import Connection, ConnectionOptions, connect
from kubectl_asm.adapters.kube.events import EventSender
from kubectl_asm.adapters.kube.holder import Forbidden, Found, find_upstream
from kubectl_asm.adapters.kube.leases import KubeLeases
from kubectl_asm.adapters.kube.noting import NotingWriter
from kubectl_asm.adapters.kube.reader import KubeReader
from kubectl_asm.adapters.kube.requestlog import RequestLog, RequestRecord
from kubectl_asm.adapters.kube.tokens import KubeTokenIssuer
from kubectl_asm.adapters.kube.watched import WatchedCluster, WatchOptions
from kubectl_asm.adapters.kube.writer import KubeWriter
from kubectl_asm.adapters.metrics import CONTENT_TYPE, ControllerMetrics, Gauges
from kubectl_asm.adapters.overlay import AssumedNamespaces, RememberedRefusals
from kubectl_asm.adapters.remembering import RememberingWriter
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.claims import Membership
from kubectl_asm.app.conditions import ConditionBook
from kubectl_asm.app.controller import Controller
from kubectl_asm.app.dispatch import Dispatcher, worked_on
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.expansion import ExpansionExecutor
from kubectl_asm.app.holding import Holder, Holding, SoleHolder, fenced
from kubectl_asm.app.loop import Loop, Work
from kubectl_asm.app.queue import Item, WorkQueue
from kubectl_asm.app.reconcile import ClusterExternalSecretWork, ExternalSecretWork, StoreWork
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.app.tenure import Timings
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Plan
from kubectl_asm.errors import ClusterError, NotFoundError, UsageError
from kubectl_asm.manifest.limits_file import Limits
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Namespace, ObjectRef, Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret, ClusterSecretStore, SecretStore
from kubectl_asm.ports import ObjectReader, ObjectWriter
from kubectl_asm.wiring.clouds import CloudChoice, Services, open_services
from kubectl_asm.wiring.limiting import Limiting
from kubectl_asm.wiring.observing import Reporter
from kubectl_asm.wiring.sharing import PATIENCE, shared_values
from kubectl_asm.wiring.world import World

_LOG = logging.getLogger(__name__)

COMPONENT = "kubectl-asm"
_SPARE_CONNECTIONS = 16
"""Connections for watches, leases and Events beside those of the workers."""


@dataclass(frozen=True, slots=True)
class LeaseChoice:
    """Where Leases are kept. name: of the first shard's; shards: parts that replicas share, 1 for one leader.

    namespace: empty for that of the connection.
    """

    name: str
    namespace: str
    shards: int = 1
    timings: Timings = field(default_factory=Timings)


@dataclass(frozen=True, slots=True)
class ServeChoice:
    """How the controller runs. instance: this replica's identity. Empty addresses and limits_file mean none.

    lease: None keeps none and works alone. is_shadow: compute and report, without the means to write.
    environment: upstream's variables.
    """

    settings: Settings
    limits: Limits
    instance: str
    workers: int = 16
    lease: LeaseChoice | None = None
    is_shadow: bool = False
    profile_is_decided: bool = True
    limits_file: str = ""
    health_address: str = ""
    metrics_address: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@contextlib.contextmanager
def open_controller(connection: ConnectionOptions, cloud: CloudChoice, choice: ServeChoice, world: World) -> Iterator[Serving]:
    """Connect to the API server and the cloud and put a controller between them; nothing is asked yet."""
    metrics = ControllerMetrics()
    limiting = Limiting(world, metrics, choice.limits, choice.limits_file)
    fence = Fence()
    opened = connect(
        connection,
        clock=world.clock,
        now=utc_now,
        pool_size=choice.workers + _SPARE_CONNECTIONS,
        log=RequestLog(_request_meter(metrics)),
        pace=limiting.api,
        before_change=fence.check_request,
    )
    with contextlib.closing(opened), open_services(cloud, choice.settings, world, KubeTokenIssuer(opened.transport)) as services:
        yield Serving(opened, services, choice, world, metrics, limiting, fence)


class Serving:
    """The parts of one controller, connected. controller runs it; port numbers are those really used."""

    def __init__(
        self,
        connection: Connection,
        services: Services,
        choice: ServeChoice,
        world: World,
        metrics: ControllerMetrics,
        limiting: Limiting,
        fence: Fence,
    ) -> None:
        self._fence = fence
        self.connection = connection
        self._choice = choice
        self._world = world
        self._metrics = metrics
        self._limiting = limiting
        self._watched = self._watch()
        self._queue = WorkQueue(world.clock)
        self._circuit, self._values = self._cloud_values(services)
        self._events = None if choice.is_shadow else self._event_sender()
        self._reporter = Reporter(metrics, self._events, utc_now, choice.is_shadow, self._is_current)
        self._writer = None if choice.is_shadow else self._write()
        self._holding = self._hold()
        works = {kind: fenced(work, self._holding, self._fence.under) for kind, work in self._works().items()}
        self._loop = Loop(self._queue, works, world.random, may_start=self._holding.may_start, on_taken=self._taken)
        self._dispatcher = Dispatcher(
            self._queue,
            self._watched,
            choice.settings,
            world.clock.monotonic,
            is_mine=self._holding.is_mine,
            has_started=self._watched.has_synced,
            on_gone=self._gone,
            needs=self._watched.need,
        )
        self.controller = self._assemble()
        metrics.connect(self._gauges())

    def refuse_neighbours(self) -> None:
        """Raise UsageError when the upstream controller is at work in this cluster (spec/operation.md 2)."""
        lease = self._choice.lease
        places = ("kube-system", self.connection.namespace, *((lease.namespace,) if lease and lease.namespace else ()))
        holder = find_upstream(self.connection.transport, namespaces=places, own_lease=lease.name if lease else "")
        if isinstance(holder, Found):
            raise UsageError(
                f"the upstream controller is at work ({holder.kind} {holder.namespace}/{holder.name}, held by {holder.holder});"
                " two controllers would write the same Secrets",
                hint="scale its Deployment to 0 first, or compare with --shadow; --allow-coexistence overrides this",
            )
        if isinstance(holder, Forbidden):
            _LOG.warning("whether the upstream controller is at work could not be checked: %s", holder.reason)

    @contextlib.contextmanager
    def endpoints(self) -> Iterator[list[str]]:
        """Serve health and metrics at the chosen addresses; gives the addresses in use."""
        pages = {
            self._choice.health_address: {
                "/healthz": verdict(self.controller.unhealthy),
                "/livez": verdict(self.controller.unhealthy),
                "/readyz": verdict(self.controller.unready),
            }
        }
        metrics = {"/metrics": lambda: Answer(self._metrics.exposition(), content_type=CONTENT_TYPE)}
        pages.setdefault(self._choice.metrics_address, {}).update(metrics)
        with contextlib.ExitStack() as stack:
            used = []
            for address, served in pages.items():
                if not address or address == "0":
                    continue
                one = Endpoints(address, served)
                stack.callback(one.close)
                one.start()
                used.append(f"{address.rpartition(':')[0]}:{one.port}")
            yield used

    # -- the API server

    def _watch(self) -> WatchedCluster:
        settings = self._choice.settings
        return WatchedCluster(
            self.connection.transport,
            clock=self._world.clock,
            random=self._world.random,
            watches=self.connection.unpaced,
            options=WatchOptions(namespaces=settings.watch_namespaces, kinds=(*worked_on(settings), Namespace, Secret)),
        )

    def _write(self) -> ObjectWriter:
        fenced_writer = FencedWriter(KubeWriter(self.connection.transport), self._fence)
        return RememberingWriter(NotingWriter(fenced_writer, self._watched), self._watched)

    def _reader(self) -> ObjectReader:
        """Return what rounds read: with a list of namespaces, Namespaces themselves may be out of reach."""
        if not self._choice.settings.watch_namespaces:
            return self._watched
        return AssumedNamespaces(RememberedRefusals(self._watched, self._world.clock), _note_assumed())

    def _event_sender(self) -> EventSender:
        world = self._world
        return EventSender(
            self.connection.unpaced,
            world.clock,
            world.random,
            utc_now,
            component=COMPONENT,
            instance=self._choice.instance,
            on_dropped=lambda: self._metrics.count("asm_events_dropped_total"),
        )

    # -- the cloud

    def _cloud_values(self, services: Services) -> tuple[CircuitReader, AgeingSource]:
        clock, retry = self._world.clock, Retry(self._world.clock, self._world.random, PATIENCE)
        return shared_values(services.reader, self._limiting, self._metrics, clock, retry, workers=self._choice.workers)

    # -- the work

    def _works(self) -> Mapping[str, Work]:
        reader, settings, monotonic = self._reader(), self._choice.settings, self._world.clock.monotonic
        expander = ExpansionExecutor(reader, self._writer, settings, utc_now) if self._writer is not None else None
        rounds = Rounds(self._ports(reader), settings, self._choice.profile_is_decided)
        works: dict[str, Work] = {
            ExternalSecret.RESOURCE.kind: ExternalSecretWork(
                reader, rounds, self._values, self._consume(), self._reporter, monotonic
            ),
            ClusterExternalSecret.RESOURCE.kind: ClusterExternalSecretWork(reader, settings, expander, self._reporter, monotonic),
        }
        for kind in (SecretStore, ClusterSecretStore):
            works[kind.RESOURCE.kind] = StoreWork(
                kind, reader, self._writer, settings, self._choice.environment, utc_now, self._reporter, monotonic
            )
        return works

    def _consume(self) -> Callable[[Rounds, ExternalSecret], Plan]:
        """Return what becomes of a round: it is run with an executor, or its Plan is only reported."""
        if self._writer is None:
            return lambda rounds, external: rounds.plan(external)
        conditions = ConditionBook(KubeReader(self.connection.transport))
        executor = Executor(self._watched, self._writer, conditions=conditions)
        return lambda rounds, external: rounds.run(external, executor)

    def _ports(self, reader: ObjectReader) -> RoundPorts:
        return RoundPorts(
            reader=reader,
            references=References(reader),
            source=self._values.within(0.0),
            bucket=self._limiting.bucket,
            now=utc_now,
            template_environment=template_environments(self._world.random, self._world.clock),
            environment=self._choice.environment,
        )

    def _assemble(self) -> Controller:
        background: list[tuple[str, Callable[[], None]]] = []
        at_end: list[Callable[[], None]] = []
        if self._events is not None:
            background.append(("events", self._events.run))
            at_end.append(self._events.close)
        if self._choice.limits_file:
            background.append(("limits", self._limiting.follow_file))
        return Controller(
            self._watched,
            self._dispatcher,
            self._queue,
            self._loop,
            self._holding,
            self._world.clock,
            self._choice.workers,
            background,
            at_end,
        )

    # -- which objects

    def _hold(self) -> Holding:
        """Return who says what this replica works on: Leases, or nobody where none are kept."""
        world, lease = self._world, self._choice.lease
        if lease is None:
            return SoleHolder(world.clock, drain=self._is_drained, on_gained=self._gained, on_lost=self._lost)
        namespace = lease.namespace or self.connection.namespace
        return Holder(
            KubeLeases(self.connection.unpaced, namespace, timeout_s=lease.timings.renew_s / 2),
            Membership(self._choice.instance, lease.name, lease.shards),
            world.clock,
            world.random,
            utc_now,
            timings=lease.timings,
            drain=self._is_drained,
            on_gained=self._gained,
            on_lost=self._lost,
        )

    def _is_drained(self, shard: int) -> bool:
        return not self._queue.working(self._holding.shard_of)[shard]

    def _gained(self, shard: int) -> None:
        self.controller.gained(lambda ref: self._holding.shard_of(ref) == shard)

    def _lost(self, shard: int) -> None:
        def is_lost(ref: ObjectRef) -> bool:
            return self._holding.shard_of(ref) == shard

        self.controller.lost(is_lost)
        self._reporter.lost(is_lost)

    # -- what is observed

    def _taken(self, item: Item) -> None:
        self._metrics.time("asm_queue_wait_seconds", item.waited_s, item.priority.name.lower())

    def _gone(self, ref: ObjectRef) -> None:
        self._loop.forget(ref)
        self._reporter.gone(ref)
        if isinstance(self._writer, RememberingWriter):
            self._writer.forget(ref)

    def _is_current(self, ref: ObjectRef) -> bool:
        """Whether an ExternalSecret still exists and is worked on here: a round may end after either changed."""
        if not self._holding.is_mine(ref):
            return False
        try:
            self._watched.get(ExternalSecret, ref.namespace, ref.name)
        except ClusterError as error:
            return not isinstance(error, NotFoundError)
        return True

    def _gauges(self) -> Gauges:
        def one(read: Callable[[], float]) -> Callable[[], Mapping[tuple[str, ...], float]]:
            return lambda: {(): float(read())}

        return Gauges(
            {
                "asm_queue_depth": lambda: {(priority.name.lower(),): n for priority, n in self._queue.depth().items()},
                "asm_objects_planned": one(self._queue.planned),
                "asm_objects_failing": one(self._loop.failing),
                "asm_circuits_open": one(self._circuit.open_stores),
                "asm_shared_value_bytes": one(self._values.held_bytes),
                "asm_shards_held": one(self._holding.held),
                "asm_watch_synced": one(self._watched.has_synced),
            }
        )


def _request_meter(metrics: ControllerMetrics) -> Callable[[RequestRecord], None]:
    return lambda record: metrics.count("asm_kube_requests_total", record.method, str(record.status))


def _note_assumed() -> Callable[[str], None]:
    told: set[str] = set()

    def note(name: str) -> None:
        if name not in told:
            told.add(name)
            _LOG.info("namespace %s may not be read; it is taken as existing and active", name)

    return note


__all__ = ["LeaseChoice", "ServeChoice", "Serving", "open_controller"]
