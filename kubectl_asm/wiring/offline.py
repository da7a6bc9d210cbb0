"""Sessions whose cluster are manifests and whose cloud is a fixtures file; no client of either is built."""

from __future__ import annotations

from collections.abc import Mapping

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.values import Fixtures, decode_fixtures
from kubectl_asm.adapters.decorate import (
    CallCounts,
    MeteredReader,
    Retry,
    RetryingReader,
    SequentialSource,
)
from kubectl_asm.adapters.joining import JoiningSource
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.system import SystemClock, utc_now
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.expand import expand_offline
from kubectl_asm.engine.lookups import References
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Namespace
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterExternalSecret
from kubectl_asm.ports import ObjectReader, RoundBucket, SecretSource
from kubectl_asm.wiring.world import Session, World


def offline_session(
    manifests: Manifests, fixtures: Fixtures | None, settings: Settings, *, namespace: str, environment: Mapping[str, str]
) -> Session:
    """A session whose cluster are the manifests and whose cloud are the fixtures. Nothing is imported for either."""
    world = World()
    cluster = MemoryCluster((loaded.obj for loaded in manifests.objects), now=utc_now)
    counts = CallCounts()
    source = fixture_source(fixtures or decode_fixtures({})[0], world, counts)
    ports = round_ports(cluster, cluster, source, Unlimited(), world, environment)
    children, failures = _children(manifests, cluster, ports.references, settings, namespace)
    return Session(
        Rounds(ports, settings),
        Executor(cluster, cluster),
        cluster,
        tuple({external.ref: external for external in (*manifests.of_kind(ExternalSecret), *children)}.values()),
        namespace,
        world,
        counts,
        failures=failures,
    )


def _children(
    manifests: Manifests, cluster: MemoryCluster, references: References, settings: Settings, namespace: str
) -> tuple[list[ExternalSecret], list[str]]:
    """Return the children of the input's ClusterExternalSecrets, and where none may be (spec/operation.md 6)."""
    namespaces = {one.name: one for one in cluster.list(Namespace)}
    namespaces.setdefault(namespace, cluster.get(Namespace, "", namespace))
    children: list[ExternalSecret] = []
    failures: list[str] = []
    for parent in manifests.of_kind(ClusterExternalSecret):
        expansion = expand_offline(parent, [namespaces[name] for name in sorted(namespaces)], references, settings)
        children += [child.external for child in expansion.children]
        failures += [f"{parent.ref}: namespace {failed.namespace}: {failed.reason}" for failed in expansion.failed]
        if expansion.matches_nothing:
            failures.append(f"{parent.ref}: no namespace of the input matches")
    return children, failures


class Unlimited:
    """The token bucket of backends that nobody meters."""

    def take(self, _provider: Provider) -> None:
        """Give a token."""


class _Unhurried:
    """A clock for backends that are files: a wait is over at once, because nobody recovers meanwhile."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        """Return the real clock's seconds."""
        return self._clock.monotonic()

    def wait(self, _seconds: float) -> bool:
        """Return at once, False when shutdown was requested."""
        return not self._clock.is_shutting_down()


def fixture_source(fixtures: Fixtures, world: World, counts: CallCounts) -> JoiningSource:
    """Return a source over fixtures, with the retries and the joining of equal reads that the services get."""
    metered = MeteredReader(FixtureSecretReader(fixtures), counts, world.clock)
    return JoiningSource(SequentialSource(RetryingReader(metered, Retry(_Unhurried(world.clock), world.random))))


def round_ports(
    reader: ObjectReader,
    references: ObjectReader,
    source: SecretSource,
    bucket: RoundBucket,
    world: World,
    environment: Mapping[str, str],
) -> RoundPorts:
    """Return the ports of a round: reader for targets, references for everything they refer to."""
    return RoundPorts(
        reader=reader,
        references=References(references),
        source=source,
        bucket=bucket,
        now=utc_now,
        template_environment=template_environments(world.random, world.clock),
        environment=environment,
    )
