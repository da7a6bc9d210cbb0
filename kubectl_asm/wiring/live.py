"""Sessions over an open cluster and an open cloud: what is read from where, and who keeps the books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.values import decode_fixtures
from kubectl_asm.adapters.decorate import (
    CallCounts,
    RoundTokenBucket,
    SequentialSource,
)
from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.overlay import AssumedNamespaces, OverlayReader
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.adapters.writers import ForgettingWriter
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.rounds import Rounds
from kubectl_asm.engine.lookups import References
from kubectl_asm.errors import ClusterError, NotFoundError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.backend import Provider
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import ObjectReader, RoundBucket
from kubectl_asm.wiring.children import ChildChoice, Stamped, stamp
from kubectl_asm.wiring.clouds import Cloud
from kubectl_asm.wiring.clusters import Cluster
from kubectl_asm.wiring.offline import round_ports
from kubectl_asm.wiring.world import Session, World


def round_bucket(settings: Settings, world: World) -> RoundBucket:
    """Return the token bucket of the settings (spec/data.md 8.2)."""
    rates = {
        Provider.KMS: float(settings.max_concurrent_kms_secret_pulls),
        Provider.OOS: float(settings.max_concurrent_oos_secret_pulls),
    }
    return RoundTokenBucket(world.clock, rates)


@dataclass(frozen=True, slots=True)
class PassChoice:
    """How a pass over a cluster behaves. books: whether status and finalizers may be written at all.

    children: of ClusterExternalSecrets; None leaves those alone.
    """

    settings: Settings
    profile_is_decided: bool = True
    adopt: bool = False
    books: bool = True
    children: ChildChoice | None = None


def cluster_session(
    cluster: Cluster,
    cloud: Cloud,
    choice: PassChoice,
    world: World,
    *,
    manifests: Manifests | None,
    environment: Mapping[str, str],
    namespaces: Sequence[str],
    counts: CallCounts,
) -> Session:
    """Return a session against an open cluster. manifests: objects of -f, which come before the live ones.

    namespaces: those to list, empty for all. One list a kind and pass answers the reads of all objects.
    """
    notes: list[str] = []
    assumed = AssumedNamespaces(
        cluster.reader, lambda name: notes.append(f"namespace {name} may not be read; it is taken as existing and active")
    )
    listed = ListedReader(assumed)
    references: ObjectReader = OverlayReader(_overlay(manifests), listed) if manifests is not None else listed
    stamped = Stamped()
    if choice.children is not None and (manifests is not None or not namespaces):
        allowed = choice.children if manifests is None else ChildChoice()  # from files only target Secrets are written
        stamped = stamp(cluster, references, manifests, choice.settings, allowed)
        notes += stamped.notes
    externals = _candidates(listed, manifests, namespaces, stamped.foreseen)
    listed.announce(Secret, [(external.namespace, external.target_name) for external in externals])
    _announce_stores(listed, externals)
    bucket: RoundBucket = round_bucket(choice.settings, world)
    ports = round_ports(listed, references, cloud.source, bucket, world, environment)
    writer = ForgettingWriter(cluster.writer, listed)
    keeps = _book_keeper(listed, choice.books, from_files=manifests is not None)
    return Session(
        Rounds(ports, choice.settings, choice.profile_is_decided, choice.adopt),
        Executor(cluster.reader, writer, keeps),
        cluster.reader,
        externals,
        cluster.namespace,
        world,
        counts,
        cluster.requests,
        notes,
        lambda: _start_over(listed, ports.references, cloud),
        stamped.failures,
    )


def _candidates(
    reader: ObjectReader, manifests: Manifests | None, namespaces: Sequence[str], foreseen: Sequence[ExternalSecret]
) -> tuple[ExternalSecret, ...]:
    """Return every ExternalSecret a pass may work on: of the files, or live; foreseen children stand in for themselves."""
    found: list[ExternalSecret] = []
    if manifests is not None:
        found += [_live_twin(reader, external) for external in manifests.of_kind(ExternalSecret)]
    else:
        for namespace in namespaces or ("",):
            found += reader.list(ExternalSecret, namespace)
    children = {child.ref: _live_twin(reader, child) for child in foreseen}
    return tuple({**{external.ref: external for external in found}, **children}.values())


def _start_over(listed: ListedReader, references: References, cloud: Cloud) -> None:
    """Forget what a pass has read."""
    listed.forget_all()
    references.forget()
    cloud.forget()


def _announce_stores(listed: ListedReader, externals: Sequence[ExternalSecret]) -> None:
    """Tell the listing reader which stores will be asked for, so that it can list instead of getting each."""
    from kubectl_asm.engine.admit import entries_of
    from kubectl_asm.model.externalsecret import CLUSTER_STORE_KIND
    from kubectl_asm.model.stores import ClusterSecretStore, SecretStore

    stores, cluster_stores = set(), set()
    for external in externals:
        for entry in entries_of(external):
            ref = entry.source.secret_store_ref
            if ref is not None and ref.kind == CLUSTER_STORE_KIND:
                cluster_stores.add(("", ref.name))
            elif ref is not None:
                stores.add((ref.namespace or external.namespace, ref.name))
    listed.announce(SecretStore, stores)
    listed.announce(ClusterSecretStore, cluster_stores)


def _overlay(manifests: Manifests) -> MemoryCluster:
    """Return the objects of the files that others refer to; ExternalSecrets and targets are not among them."""
    return MemoryCluster((loaded.obj for loaded in manifests.objects), now=utc_now, strict_namespaces=True)


def _live_twin(reader: ObjectReader, external: ExternalSecret) -> ExternalSecret:
    """Return the object of a file with the live object's metadata and status, when there is one."""
    import msgspec

    try:
        live = reader.get(ExternalSecret, external.namespace, external.name)
    except NotFoundError:
        return external
    return msgspec.structs.replace(live, spec=external.spec)


def _book_keeper(reader: ObjectReader, books: bool, *, from_files: bool) -> Callable[[ExternalSecret], bool]:
    """Return who may get a status: nobody without books, objects of files only when the live one has the same spec."""
    if not books:
        return lambda _external: False
    if not from_files:
        return lambda _external: True

    def has_same_spec(external: ExternalSecret) -> bool:
        try:
            return reader.get(ExternalSecret, external.namespace, external.name).spec == external.spec
        except ClusterError:
            return False

    return has_same_spec


def explaining_session(
    cluster: Cluster,
    settings: Settings,
    world: World,
    *,
    environment: Mapping[str, str],
    namespaces: Sequence[str],
    manifests: Manifests | None = None,
) -> Session:
    """Return a session that can admit live objects, or those of files beside live ones, and has no backend to read from."""
    source = SequentialSource(FixtureSecretReader(decode_fixtures({})[0]))
    choice = PassChoice(settings, books=False, children=ChildChoice())
    return cluster_session(
        cluster,
        Cloud(source, lambda: None),
        choice,
        world,
        manifests=manifests,
        environment=environment,
        namespaces=namespaces,
        counts=CallCounts(),
    )
