"""The composition root: which adapters stand behind the ports of a command. The only module that knows app and adapters.

Offline sessions build no cluster or cloud client at all; heavy modules are imported by the functions that need them.
Source: design of one engine with three drivers; spec/operation.md 5, 6, 8, 9.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from kubectl_asm.adapters.cloud.fixtures import FixtureSecretReader
from kubectl_asm.adapters.cloud.values import Content, Failure, Fixtures, decode_fixtures
from kubectl_asm.adapters.decorate import (
    AttemptLimiter,
    BatchingSource,
    CallCounts,
    CoalescingReader,
    ConcurrencyLimit,
    MeteredReader,
    ReadMemo,
    Retry,
    RetryingReader,
    RoundTokenBucket,
    SequentialSource,
)
from kubectl_asm.adapters.files import read_file, read_sources
from kubectl_asm.adapters.listed import ListedReader
from kubectl_asm.adapters.memory import MemoryCluster
from kubectl_asm.adapters.overlay import AssumedNamespaces, OverlayReader
from kubectl_asm.adapters.selectors import parse_selector
from kubectl_asm.adapters.system import SystemClock, SystemRandom, utc_now
from kubectl_asm.app.execute import Executor
from kubectl_asm.app.passes import ObjectResult, Pass
from kubectl_asm.app.rounds import RoundPorts, Rounds
from kubectl_asm.app.select import Selection, parse_names
from kubectl_asm.app.templating import template_environments
from kubectl_asm.engine.lookups import References
from kubectl_asm.engine.plan import Plan
from kubectl_asm.errors import AccessError, BugError, ClusterError, InputError, NotFoundError, UsageError
from kubectl_asm.manifest.documents import Document, SourceText, parse_documents
from kubectl_asm.manifest.load import Manifests, load_manifests
from kubectl_asm.manifest.placing import placed
from kubectl_asm.manifest.settings_sources import DeploymentFlags
from kubectl_asm.model.backend import Network, Provider
from kubectl_asm.model.externalsecret import ExternalSecret
from kubectl_asm.model.objects import KubeObject, Secret
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import ObjectReader, ObjectWriter, RoundBucket, SecretSource, TokenIssuer

if TYPE_CHECKING:
    from kubectl_asm.adapters.kube.connection import Connection, ConnectionOptions
    from kubectl_asm.adapters.kube.deployment import ControllerDeployment
    from kubectl_asm.emulator.options import World as EmulatorWorld
    from kubectl_asm.gotemplate import Environment


@dataclass(frozen=True, slots=True)
class World:
    """Time and randomness of this process."""

    clock: SystemClock = field(default_factory=SystemClock)
    random: SystemRandom = field(default_factory=SystemRandom)


@dataclass(slots=True)
class Session:
    """Everything a command works with, already connected. externals: candidates before selection; notes: for stderr."""

    rounds: Rounds
    executor: Executor
    reader: ObjectReader
    externals: tuple[ExternalSecret, ...]
    namespace: str
    world: World
    counts: CallCounts = field(default_factory=CallCounts)
    kube_requests: Callable[[], int] = lambda: 0
    notes: list[str] = field(default_factory=list)
    refresh: Callable[[], None] = lambda: None

    def select(self, names: Sequence[str], *, namespace: str, all_namespaces: bool, selector: str) -> list[ExternalSecret]:
        """Return the ExternalSecrets the user selected."""
        where = "" if all_namespaces else namespace or self.namespace
        matcher = parse_selector(selector) if selector else None
        selection = Selection(parse_names(names), where)
        if matcher is not None:
            selection = Selection(selection.names, where, matcher)
        return selection.pick(self.externals)


# --- input ------------------------------------------------------------------------------------------------------------


def read_manifests(
    filenames: Sequence[str], *, recursive: bool, kustomize: str, stdin: IO[bytes] | None, namespace: str
) -> Manifests:
    """Return the manifests behind -f, -R and -k; objects without a namespace get the given one."""
    sources = read_sources(filenames, recursive=recursive, kustomize=kustomize, stdin=stdin)
    return placed(load_manifests(sources), namespace)


def read_fixtures(path: str) -> Fixtures:
    """Return a fixtures file. Raises InputError with the place of the first problem."""
    document = _one_document(read_file(Path(path)))
    if document is None:
        return decode_fixtures({})[0]
    folder = Path(path).parent
    fixtures, problems = decode_fixtures(document.value, read_file=lambda name: (folder / name).read_bytes())
    if problems:
        first = problems[0]
        span = document.span(first.path)
        raise InputError(first.message, file=span.file, line=span.line, column=span.column)
    return fixtures


def _one_document(source: SourceText) -> Document | None:
    for part in parse_documents(source):
        if isinstance(part, InputError):
            raise part
        return part
    return None


# --- offline ----------------------------------------------------------------------------------------------------------


def offline_session(
    manifests: Manifests, fixtures: Fixtures | None, settings: Settings, *, namespace: str, environment: Mapping[str, str]
) -> Session:
    """A session whose cluster are the manifests and whose cloud are the fixtures. Nothing is imported for either."""
    world = World()
    cluster = MemoryCluster((loaded.obj for loaded in manifests.objects), now=utc_now)
    counts = CallCounts()
    source = _fixture_source(fixtures or decode_fixtures({})[0], world, counts, ReadMemo())
    ports = _ports(cluster, cluster, source, _Unlimited(), world, environment)
    return Session(
        Rounds(ports, settings),
        Executor(cluster, cluster),
        cluster,
        tuple(manifests.of_kind(ExternalSecret)),
        namespace,
        world,
        counts,
    )


class _Unlimited:
    """The token bucket of backends that nobody meters."""

    def take(self, _provider: Provider) -> None:
        """Give a token."""


def _fixture_source(fixtures: Fixtures, world: World, counts: CallCounts, memo: ReadMemo) -> SecretSource:
    metered = MeteredReader(FixtureSecretReader(fixtures), counts, world.clock)
    return SequentialSource(CoalescingReader(RetryingReader(metered, Retry(world.clock, world.random)), memo))


def _ports(
    reader: ObjectReader,
    references: ObjectReader,
    source: SecretSource,
    bucket: RoundBucket,
    world: World,
    environment: Mapping[str, str],
) -> RoundPorts:
    return RoundPorts(
        reader=reader,
        references=References(references),
        source=source,
        bucket=bucket,
        now=utc_now,
        template_environment=template_environments(world.random, world.clock),
        environment=environment,
    )


# --- clusters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Which cluster. folder: a directory acts as it; else the kubeconfig's. writable: whether anything will be written."""

    options: ConnectionOptions | None
    folder: str = ""
    namespace: str = ""
    chunk_size: int = 500
    concurrency: int = 16
    server_dry_run: bool = False
    writable: bool = True


@dataclass(slots=True)
class Cluster:
    """An open cluster: reader, writer and what else a command asks of it. connection is None for a folder."""

    reader: ObjectReader
    writer: ObjectWriter
    namespace: str
    requests: Callable[[], int]
    connection: Connection | None = None
    tokens: TokenIssuer | None = None
    problems: tuple[InputError, ...] = ()


@contextlib.contextmanager
def open_cluster(choice: ClusterChoice, world: World) -> Iterator[Cluster]:
    """Open the chosen cluster and close it afterwards."""
    if choice.folder:
        from kubectl_asm.adapters.directory import DirectoryCluster

        namespace = choice.namespace or "default"
        with DirectoryCluster(Path(choice.folder), now=utc_now, namespace=namespace, writable=choice.writable) as folder:
            yield Cluster(folder, folder, namespace, lambda: 0, problems=folder.problems)
        return
    from kubectl_asm.adapters.kube.connection import connect
    from kubectl_asm.adapters.kube.reader import KubeReader
    from kubectl_asm.adapters.kube.tokens import KubeTokenIssuer
    from kubectl_asm.adapters.kube.writer import KubeWriter

    if choice.options is None:
        raise BugError("neither a folder nor connection options")
    connection = connect(choice.options, clock=world.clock, now=utc_now, pool_size=choice.concurrency)
    try:
        transport = connection.transport
        yield Cluster(
            KubeReader(transport, chunk_size=choice.chunk_size),
            KubeWriter(transport, server_dry_run=choice.server_dry_run),
            connection.namespace,
            lambda: connection.log.total,
            connection,
            KubeTokenIssuer(transport),
        )
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class CloudChoice:
    """Which cloud. fixtures: a file replaces all services; emulator: ready file of a running emulator."""

    fixtures: str = ""
    emulator: str = ""
    concurrency: int = 16
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Cloud:
    """An open cloud. forget: drop what was read, so that a repeated pass reads afresh."""

    source: SecretSource
    forget: Callable[[], None]


@contextlib.contextmanager
def open_cloud(
    choice: CloudChoice, settings: Settings, world: World, counts: CallCounts, tokens: TokenIssuer | None
) -> Iterator[Cloud]:
    """Open the chosen cloud; equal reads of one pass are joined and reads of one client are batched."""
    memo = ReadMemo()
    if choice.fixtures:
        yield Cloud(_fixture_source(read_fixtures(choice.fixtures), world, counts, memo), memo.forget)
        return
    from kubectl_asm.adapters.cloud.proxies import ProxySettings
    from kubectl_asm.adapters.cloud.router import CloudRouter, Transports, sdk_client
    from kubectl_asm.adapters.cloud.transport import TransportOptions
    from kubectl_asm.adapters.credentials.chain import CredentialChain, Surroundings
    from kubectl_asm.engine.endpoints import sts_host

    options = TransportOptions(
        connections=choice.concurrency,
        dial=_dial(choice.emulator) if choice.emulator else None,
        proxies=ProxySettings.from_environment(choice.variables),
    )
    transports = Transports(options, world.clock)
    chain = CredentialChain(Surroundings(transports.get(), sts_host(settings), utc_now, world.random, tokens))
    router = CloudRouter(chain.provider_for, sdk_client(transports))
    limited = AttemptLimiter(ConcurrencyLimit(MeteredReader(router, counts, world.clock), choice.concurrency), world.clock)
    retry = Retry(world.clock, world.random)
    try:
        yield Cloud(BatchingSource(limited, CoalescingReader(RetryingReader(limited, retry), memo), retry, memo), memo.forget)
    finally:
        transports.close()


def _dial(ready_file: str) -> Any:
    from kubectl_asm.adapters.cloud.transport import DialOverride

    try:
        ready = json.loads(read_file(Path(ready_file)).data)
        host, port, ca_file = str(ready["host"]), int(ready["port"]), str(ready["caFile"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{ready_file} is not the ready file of an emulator", hint="start one: kubectl asm emulator") from None
    if not ca_file:
        raise UsageError(f"the emulator of {ready_file} speaks plain HTTP", hint="start it without --plain-http")
    return DialOverride(host, port, ca_file)


def round_bucket(settings: Settings, world: World) -> RoundBucket:
    """Return the token bucket of the settings (spec/data.md 8.2)."""
    rates = {
        Provider.KMS: float(settings.max_concurrent_kms_secret_pulls),
        Provider.OOS: float(settings.max_concurrent_oos_secret_pulls),
    }
    return RoundTokenBucket(world.clock, rates)


@dataclass(frozen=True, slots=True)
class PassChoice:
    """How a pass over a cluster behaves. books: whether status and finalizers may be written at all."""

    settings: Settings
    profile_is_decided: bool = True
    adopt: bool = False
    books: bool = True


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
    references: ObjectReader = listed
    if manifests is not None:
        externals = tuple(_live_twin(listed, external) for external in manifests.of_kind(ExternalSecret))
        references = OverlayReader(_overlay(manifests), listed)
    else:
        externals = tuple(external for namespace in (namespaces or ("",)) for external in listed.list(ExternalSecret, namespace))
    listed.announce(Secret, [(external.namespace, external.target_name) for external in externals])
    _announce_stores(listed, externals)
    bucket: RoundBucket = round_bucket(choice.settings, world)
    ports = _ports(listed, references, cloud.source, bucket, world, environment)
    writer = _Forgetting(cluster.writer, listed)
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
    )


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


class _Forgetting:
    """ObjectWriter that makes a listing reader forget what was written, so that a new decision reads it afresh."""

    def __init__(self, inner: ObjectWriter, listed: ListedReader) -> None:
        self._inner = inner
        self._listed = listed

    def _forget(self, obj: KubeObject) -> None:
        self._listed.forget(type(obj), obj.namespace, obj.name)

    def create(self, obj: Any) -> Any:
        """Create."""
        self._forget(obj)
        return self._inner.create(obj)

    def update(self, obj: Any) -> Any:
        """Update."""
        self._forget(obj)
        return self._inner.update(obj)

    def delete(self, obj: KubeObject) -> None:
        """Delete."""
        self._forget(obj)
        self._inner.delete(obj)

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:
        """Replace finalizers."""
        self._forget(obj)
        return self._inner.set_finalizers(obj, finalizers)

    def set_status(self, obj: KubeObject, status: Any) -> None:
        """Write a status."""
        self._forget(obj)
        self._inner.set_status(obj, status)

    def apply(self, obj: Any, *, force: bool) -> Any:
        """Apply."""
        self._forget(obj)
        return self._inner.apply(obj, force=force)


class ClientDryRun:
    """ObjectWriter for --dry-run=client: takes every write for done and does none."""

    def create(self, obj: Any) -> Any:
        """Return the object."""
        return obj

    def update(self, obj: Any) -> Any:
        """Return the object."""
        return obj

    def delete(self, obj: KubeObject) -> None:
        """Do nothing."""

    def set_finalizers(self, obj: Any, finalizers: Sequence[str]) -> Any:  # noqa: ARG002  # the port's signature
        """Return the object."""
        return obj

    def set_status(self, obj: KubeObject, status: Any) -> None:
        """Do nothing."""

    def apply(self, obj: Any, *, force: bool) -> Any:  # noqa: ARG002  # the port's signature
        """Return the object."""
        return obj


# --- passes -----------------------------------------------------------------------------------------------------------


def sorted_objects(externals: Sequence[ExternalSecret]) -> list[ExternalSecret]:
    """Return ExternalSecrets by namespace and name."""
    return sorted(externals, key=lambda external: (external.namespace, external.name))


def plan_pass(session: Session, concurrency: int) -> Pass:
    """Return a pass that only plans."""
    clock = session.world.clock
    return Pass(session.rounds.plan, clock.monotonic, concurrency, clock.is_shutting_down)


def sync_pass(session: Session, concurrency: int) -> Pass:
    """Return a pass that writes."""
    clock = session.world.clock
    return Pass(
        lambda external: session.rounds.run(external, session.executor), clock.monotonic, concurrency, clock.is_shutting_down
    )


def deletions(session: Session, chosen: Sequence[ExternalSecret]) -> list[Plan]:
    """Return the Plans of objects whose deletion this pass would handle."""
    deleting = [external for external in chosen if external.metadata.is_deleting]
    plans = [session.rounds.plan(external) for external in deleting]
    return [plan for plan in plans if plan.delete is not None]


def repeat_failed(session: Session, results: list[ObjectResult], longest_s: float, concurrency: int) -> list[ObjectResult]:
    """Repeat objects that did not fully sync, with growing pauses, until all did or the time is over."""
    clock = session.world.clock
    deadline = clock.monotonic() + longest_s
    pause = 2.0
    while True:
        failed = [result.plan.external for result in results if not result.is_fully_synced]
        if not failed or clock.monotonic() + pause > deadline or not clock.wait(pause):
            return results
        session.refresh()
        fresh = [session.reader.get(ExternalSecret, one.namespace, one.name) for one in failed]
        again = {result.plan.external.ref: result for result in sync_pass(session, concurrency).run(fresh, lambda _: None)}
        results = [again.get(result.plan.external.ref, result) for result in results]
        pause = min(pause * 2, 30.0)


# --- failure injection and traces of render ---------------------------------------------------------------------------

_NETWORK_WORDS = {str(word): word for word in Network}


def with_failures(fixtures: Fixtures, specs: Sequence[str]) -> Fixtures:
    """Return fixtures in which the given backend keys fail. Spec: KEY=CODE, a service code, HTTP status or network word."""
    failing: dict[str, Failure] = {}
    for spec in specs:
        key, equals, word = spec.rpartition("=")
        if not equals or not key or not word:
            raise UsageError(f'--fail "{spec}" is not KEY=CODE', hint="for example --fail db=Forbidden.NoPermission or db=503")
        failing[key] = _failure(word)
    if not failing:
        return fixtures

    def overlaid(content: Content) -> Content:
        return Content({**content.kms, **failing}, {**content.oos, **failing})

    return Fixtures(overlaid(fixtures.common), {name: overlaid(content) for name, content in fixtures.stores.items()})


def _failure(word: str) -> Failure:
    if word in _NETWORK_WORDS:
        return Failure(network=_NETWORK_WORDS[word])
    if word.isdigit():
        return Failure(status=int(word))
    status = {"Forbidden.ResourceNotFound": 404, "Rejected.Throttling": 429, "InternalFailure": 500}.get(word)
    return Failure(word, status or (503 if word == "ServiceUnavailableTemporary" else 403 if "Forbidden" in word else 400))


def parent_of(external: ExternalSecret) -> dict[str, str] | None:
    """Return the ClusterExternalSecret a child came from, for output."""
    owner = external.metadata.controller
    return {"kind": owner.kind, "name": owner.name} if owner is not None else None


def missing_keys(plan: Plan) -> list[str]:
    """Return what a strict reader would call missing: queries without result and template fields nobody produces."""
    notes = [
        f"{entry.admission.entry}: {note}"
        for entry in plan.entries
        for note in entry.notes
        if "skipped" in note or "kept" in note
    ]
    return [*notes, *unknown_template_fields(plan)]


def unknown_template_fields(plan: Plan) -> list[str]:
    """Return fields that a template names and no source of the object produces."""
    from kubectl_asm.engine.template_fields import unknown_fields

    return [f"template field {name!r} is produced by no source" for name in unknown_fields(plan.external)]


# --- views of a live cluster ------------------------------------------------------------------------------------------


def select_live(reader: ObjectReader, names: Sequence[str], namespace: str, selector: str) -> list[ExternalSecret]:
    """Return the selected ExternalSecrets of a cluster; namespace is empty for all."""
    listed = reader.list(ExternalSecret, namespace, label_selector=selector)
    return Selection(parse_names(names), namespace).pick(listed)


def existing_targets(reader: ObjectReader, externals: Sequence[ExternalSecret]) -> dict[tuple[str, str], bool]:
    """Return which target Secrets exist; namespaces whose Secrets may not be listed are left out."""
    exists: dict[tuple[str, str], bool] = {}
    for namespace in sorted({external.namespace for external in externals}):
        try:
            found = {secret.name for secret in reader.list(Secret, namespace)}
        except ClusterError:
            continue
        for external in externals:
            if external.namespace == namespace:
                exists[(namespace, external.target_name)] = external.target_name in found
    return exists


def explaining_session(
    cluster: Cluster, settings: Settings, world: World, *, environment: Mapping[str, str], namespaces: Sequence[str]
) -> Session:
    """Return a session that can admit live objects but has no backend to read from."""
    source = SequentialSource(FixtureSecretReader(decode_fixtures({})[0]))
    choice = PassChoice(settings, books=False)
    return cluster_session(
        cluster,
        Cloud(source, lambda: None),
        choice,
        world,
        manifests=None,
        environment=environment,
        namespaces=namespaces,
        counts=CallCounts(),
    )


# --- the emulator and single templates --------------------------------------------------------------------------------


def load_plain(path: Path) -> Any:
    """Return the plain data of a YAML or JSON file; raises InputError with the place."""
    document = _one_document(read_file(path))
    return None if document is None else document.value


def emulator_world(world: World) -> EmulatorWorld:
    """Return time and randomness for an emulator."""
    from kubectl_asm.emulator.options import World as EmulatorWorld

    return EmulatorWorld(utc_now, world.clock.monotonic, world.clock.wait, world.random.token)


def template_environment(world: World) -> Environment:
    """Return the Environment of one stand-alone template execution."""
    return template_environments(world.random, world.clock)(utc_now())


# --- neighbours -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A controller that serves this cluster. deployment: its flags; notes: for stderr."""

    deployment: DeploymentFlags | None = None
    notes: tuple[str, ...] = ()


def look_around(cluster: Cluster, *, allow_coexistence: bool) -> Neighbour:
    """Look for a controller beside which a pass would run, and read its settings (spec/operation.md 1 and 2).

    Raises UsageError when one is live and its settings cannot be read.
    """
    if cluster.connection is None or allow_coexistence:
        return Neighbour()
    from kubectl_asm.adapters.kube.deployment import find_deployments
    from kubectl_asm.adapters.kube.holder import Forbidden, Found, find_holder
    from kubectl_asm.adapters.kube.reader import KubeReader

    transport = cluster.connection.transport
    holder = find_holder(transport)
    try:
        found = find_deployments(KubeReader(transport))
    except AccessError:
        found = ()
    if isinstance(holder, Found) and not found:
        raise UsageError(
            f"a controller ({holder.kind} {holder.namespace}/{holder.name}, held by {holder.holder}) serves this cluster and"
            " its settings cannot be read",
            hint="name its Deployment with --from-deployment NS/NAME, or run beside it on your own terms with --allow-coexistence",
        )
    notes = []
    if isinstance(holder, Forbidden):
        notes.append("whether a controller serves this cluster could not be checked (reading leases is forbidden)")
    if not found:
        return Neighbour(None, tuple(notes))
    return Neighbour(_deployment_flags(found[0]), tuple(notes))


def deployment_flags(cluster: Cluster, name: str) -> DeploymentFlags:
    """Return the flags of the Deployment the user named as NS/NAME. Raises UsageError, ClusterError."""
    if cluster.connection is None:
        raise UsageError("--from-deployment needs a cluster", hint="use --helm-values FILE for a folder")
    from kubectl_asm.adapters.kube.deployment import read_deployment
    from kubectl_asm.adapters.kube.reader import KubeReader

    namespace, slash, short = name.partition("/")
    if not slash:
        raise UsageError(f'--from-deployment "{name}" is not NS/NAME')
    return _deployment_flags(read_deployment(KubeReader(cluster.connection.transport), namespace, short))


def _deployment_flags(found: ControllerDeployment) -> DeploymentFlags:
    return DeploymentFlags(f"{found.namespace}/{found.name}", found.args, found.tag)
