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
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.lookups import References
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.settings import Settings
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
    return Session(
        Rounds(ports, settings),
        Executor(cluster, cluster),
        cluster,
        tuple(manifests.of_kind(ExternalSecret)),
        namespace,
        world,
        counts,
    )


class Unlimited:
    """The token bucket of backends that nobody meters."""

    def take(self, _provider: Provider) -> None:
        """Give a token."""


def fixture_source(fixtures: Fixtures, world: World, counts: CallCounts) -> JoiningSource:
    """Return a source over fixtures, with the retries and the joining of equal reads that the services get."""
    metered = MeteredReader(FixtureSecretReader(fixtures), counts, world.clock)
    return JoiningSource(SequentialSource(RetryingReader(metered, Retry(world.clock, world.random))))


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
