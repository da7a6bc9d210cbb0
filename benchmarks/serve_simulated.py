"""The controller's loop with real threads and real time over a cluster in memory and a cloud that only takes its time.

What is left out is HTTP on both sides, so this shows what queue, caches, decorators and the engine can carry at a size no test
control plane holds. RSS contains the simulated cluster; `growth_mb` is what came on top after the first pass.
Goal: 50,000 objects every 120 s with a 99th percentile of lateness under 5 s.
`python benchmarks/serve_simulated.py 50000 --interval 120 --intervals 2`
"""

from __future__ import annotations

import argparse
import resource
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from manifests import external_secrets
from report import ROOT, finish

sys.path.insert(0, str(ROOT))

from kubectl_asm.adapters.decorate import Retry
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.metrics import ControllerMetrics
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.conditions import ConditionBook
from kubectl_asm.app.dispatch import Dispatcher
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.loop import Loop
from kubectl_asm.app.queue import Item, Priority, WorkQueue
from kubectl_asm.app.reconcile import ExternalSecretWork
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.lookups import References
from kubectl_asm.manifest.decode import decode_object
from kubectl_asm.manifest.limits_file import Limits
from kubectl_asm.model.backend import ClientPlan, SecretAnswer, SecretOutcome, SecretRead
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Meta, Namespace, NamespaceStatus
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.model.settings import Settings
from kubectl_asm.wiring.limiting import Limiting
from kubectl_asm.wiring.observing import Reporter
from kubectl_asm.wiring.sharing import PATIENCE, shared_values
from kubectl_asm.wiring.world import World

WORKERS = 16
OBJECTS_A_SECRET = 10
NAMESPACES = 500
CALL_S = 0.005
DOCUMENT = '{"name":"tom","age":"14","friends":[{"name":"lili"},{"name":"edf"}]}'


class Cloud:
    """Answers every key after a while. calls, items: how many were made, and for how many values."""

    def __init__(self) -> None:
        self.calls = self.items = 0

    def read(self, read: SecretRead) -> SecretAnswer:
        """Answer one."""
        return self._answers((read,))[0]

    def read_batch(self, _client: ClientPlan, reads: tuple[SecretRead, ...]) -> list[SecretOutcome]:
        """Answer several."""
        return list(self._answers(reads))

    def _answers(self, reads: tuple[SecretRead, ...]) -> list[SecretAnswer]:
        time.sleep(CALL_S)
        self.calls += 1
        self.items += len(reads)
        keys = (read.request.key for read in reads)
        return [SecretAnswer(SecretBytes.of_text(DOCUMENT if key == "doc" else f"value of {key}")) for key in keys]


class Controller:
    """The parts of `serve` between the two sides. late: seconds each refresh waited since it was due."""

    def __init__(self, cluster: MemoryCluster, interval_s: float) -> None:
        self.world = World()
        self.cloud, self.metrics = Cloud(), ControllerMetrics()
        self.rounds, self.late = 0, []
        settings = Settings(region="cn-hangzhou", polling_interval=timedelta(seconds=interval_s))
        limiting = Limiting(self.world, self.metrics, Limits(0, 0, 0, 0, 0))
        clock, random = self.world.clock, self.world.random
        _, values = shared_values(self.cloud, limiting, self.metrics, clock, Retry(clock, random, PATIENCE), workers=WORKERS)
        environment = {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}
        templates = template_environments(random, clock)
        ports = RoundPorts(cluster, References(cluster), values.within(0.0), limiting.bucket, utc_now, templates, environment)
        executor = Executor(cluster, cluster, conditions=ConditionBook(cluster))
        work = ExternalSecretWork(
            cluster,
            Rounds(ports, settings),
            values,
            lambda rounds, external: rounds.run(external, executor),
            Reporter(self.metrics, None, utc_now),
            clock.monotonic,
        )
        self.queue = WorkQueue(clock)
        self.loop = Loop(self.queue, {ExternalSecret.RESOURCE.kind: work}, random, on_taken=self._taken)
        has_started: list[bool] = []
        Dispatcher(self.queue, cluster, settings, clock.monotonic, has_started=lambda: bool(has_started)).subscribe(cluster)
        cluster.start()
        has_started.append(True)

    def start(self) -> None:
        """Begin to work."""
        for _ in range(WORKERS):
            threading.Thread(target=self.loop.work, args=(self.world.clock.is_shutting_down,), daemon=True).start()

    def _taken(self, item: Item) -> None:
        self.rounds += 1
        if item.priority is Priority.REFRESH:
            self.late.append(item.waited_s)


def rss_mb() -> float:
    """Return the memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def cpu_s() -> float:
    """Return the processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cluster_of(count: int) -> MemoryCluster:
    """Return a cluster of ExternalSecrets that follow the polling interval."""
    names = [f"ns-{number}" for number in range(NAMESPACES)]
    cluster = MemoryCluster(
        [Namespace(metadata=Meta(name=name), status=NamespaceStatus("Active")) for name in names], now=utc_now
    )
    documents = external_secrets(count, namespaces=NAMESPACES, secrets=max(count // OBJECTS_A_SECRET, 1))
    objects = []
    for document in documents:
        del document["spec"]["rotationInterval"]
        objects.append(decode_object(document))
    cluster.load(obj for obj in objects if obj is not None)
    return cluster


def scrape(running: Controller) -> float:
    """Return the seconds it takes to write the metrics of every object."""
    began_s = time.monotonic()
    running.metrics.exposition()
    return time.monotonic() - began_s


def first_pass(running: Controller, count: int) -> dict[str, object]:
    """Work until every object had its round, Secrets and statuses written."""
    before_s, began_s = cpu_s(), time.monotonic()
    running.start()
    while running.rounds < count:
        time.sleep(0.5)
    seconds = time.monotonic() - began_s
    return {
        "what": f"first pass over {count}",
        "rounds_per_s": round(count / seconds),
        "cpu_ms_per_round": round(1000 * (cpu_s() - before_s) / count, 2),
        "rss_mb": round(rss_mb()),
    }


def steady(running: Controller, count: int, interval_s: float, intervals: int, empty_mb: float) -> dict[str, object]:
    """Let refreshes go on for some intervals after a first one, which spreads them."""
    time.sleep(interval_s)
    rounds, calls, items, before_s, began_s = (
        running.rounds,
        running.cloud.calls,
        running.cloud.items,
        cpu_s(),
        time.monotonic(),
    )
    running.late.clear()
    time.sleep(interval_s * intervals)
    seconds, done, late = time.monotonic() - began_s, running.rounds - rounds, sorted(running.late)
    return {
        "what": f"{count} every {interval_s:g} s, for {seconds:.0f} s",
        "rounds_per_s": round(done / seconds),
        "needed_per_s": round(count / interval_s),
        "late_p50_s": round(late[len(late) // 2], 3),
        "late_p99_s": round(late[len(late) * 99 // 100], 3),
        "late_max_s": round(late[-1], 3),
        "cpu_ms_per_round": round(1000 * (cpu_s() - before_s) / max(done, 1), 2),
        "cpus": round((cpu_s() - before_s) / seconds, 2),
        "cloud_calls_per_s": round((running.cloud.calls - calls) / seconds, 1),
        "values_per_s": round((running.cloud.items - items) / seconds, 1),
        "scrape_s": round(scrape(running), 2),
        "rss_mb": round(rss_mb()),
        "growth_mb": round(rss_mb() - empty_mb),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int, nargs="?", default=50_000)
    parser.add_argument("--interval", type=float, default=120.0)
    parser.add_argument("--intervals", type=int, default=2)
    chosen = parser.parse_args()
    cluster = cluster_of(chosen.count)
    running = Controller(cluster, chosen.interval)
    rows = [first_pass(running, chosen.count)]
    filled_mb = rss_mb()
    rows.append(steady(running, chosen.count, chosen.interval, chosen.intervals, filled_mb))
    running.world.clock.request_shutdown()
    finish("serve_simulated", rows)


main()
