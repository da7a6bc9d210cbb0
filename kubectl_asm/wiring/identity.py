"""Who the clients of a command are: the chain of credentials behind its cloud, and the question whose credentials those are.

Source: spec/operation.md 5, spec/auth.md 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kubectl_asm.adapters.retry import Retry
from kubectl_asm.adapters.system import utc_now
from kubectl_asm.engine.admit import ENV_CLIENT, Admitter, EntryAdmission, entries_of
from kubectl_asm.engine.endpoints import sts_host
from kubectl_asm.engine.identity import LOCAL_SOURCE
from kubectl_asm.errors import ClusterError, InputError, UsageError
from kubectl_asm.manifest.load import Manifests
from kubectl_asm.model.backend import BackendError, ClientPlan, Identity, Provider, Refusal
from kubectl_asm.model.externalsecret import (
    CLUSTER_STORE_KIND,
    DataSource,
    ExternalSecret,
    ExternalSecretSpec,
    SecretStoreRef,
)
from kubectl_asm.model.objects import Meta
from kubectl_asm.model.settings import Settings
from kubectl_asm.model.stores import ClusterSecretStore, SecretStore
from kubectl_asm.ports import ObjectReader, TokenIssuer
from kubectl_asm.wiring.world import Session, World

if TYPE_CHECKING:
    from kubectl_asm.adapters.cloud.transport import Transport
    from kubectl_asm.adapters.credentials.chain import CredentialChain
    from kubectl_asm.adapters.credentials.local import LocalBuilder

ENVIRONMENT = "environment"
PROFILE_FILE = ".aliyun/config.json"


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """Where the environment client's credentials come from, and whose token stands in for a token file.

    source: env, profile, profile:NAME, uri or metadata. controller_account: NS/NAME of a ServiceAccount, empty: the file.
    spare_account: that of the controller whose settings are used, for when there is no such file here.
    """

    source: str = "env"
    controller_account: str = ""
    spare_account: str = ""

    @property
    def is_local(self) -> bool:
        """Whether something else than upstream's variables was asked for."""
        return self.source != "env"

    def environment(self, upstream: Mapping[str, str]) -> dict[str, str]:
        """Return what the environment client is made of: upstream's variables, or the one local source and nothing else."""
        return {LOCAL_SOURCE: self.source} if self.is_local else dict(upstream)


def check_source(source: str) -> str:
    """Return a value of --credentials that can be used. Raises UsageError."""
    word, colon, name = source.partition(":")
    if word not in ("env", "profile", "uri", "metadata") or (colon and (word != "profile" or not name)):
        raise UsageError(f'--credentials "{source[:64]}" is not known', hint="use env, profile, profile:NAME, uri or metadata")
    return source


def open_chain(
    transport: Transport,
    near: Transport | None,
    choice: CredentialChoice,
    variables: Mapping[str, str],
    settings: Settings,
    world: World,
    tokens: TokenIssuer | None,
) -> CredentialChain:
    """Return the credential chain of a command. Raises UsageError, InputError.

    near: the transport for services of this machine; None when neither the worker role nor a local source is asked for.
    """
    from kubectl_asm.adapters.credentials.chain import CredentialChain, Surroundings
    from kubectl_asm.adapters.credentials.metadata import MetadataOptions

    metadata = MetadataOptions.from_environment(variables)
    return CredentialChain(
        Surroundings(
            transport,
            sts_host(settings, variables),
            utc_now,
            world.random,
            tokens,
            metadata=metadata,
            metadata_transport=near,
            controller_account=_account(choice.controller_account),
            spare_account=_account(choice.spare_account),
            local=_local(choice.source, variables, near or transport, world) if choice.is_local else None,
        )
    )


def _account(text: str) -> tuple[str, str] | None:
    if not text:
        return None
    namespace, slash, name = text.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise UsageError(f'--controller-service-account "{text[:128]}" is not NS/NAME')
    return namespace, name


def _local(source: str, variables: Mapping[str, str], near: Transport, world: World) -> LocalBuilder:
    """Return the builder of a local source; files are read now, services are asked later."""
    from kubectl_asm.adapters.credentials import local
    from kubectl_asm.adapters.credentials.metadata import MetadataClient, MetadataOptions

    word, _, name = source.partition(":")
    if word == "profile":
        profile = local.decode_profile(_profile_file(variables), name, f"~/{PROFILE_FILE}")
        return lambda sts: profile.provider(sts, utc_now, world.random)
    if word == "uri":
        uri = local.check_uri(variables.get(local.URI_VARIABLE, "").strip())
        return lambda _sts: local.uri_credentials(near, uri, utc_now, world.random)
    client = MetadataClient(near, MetadataOptions.from_environment(variables))
    return lambda _sts: client.provider(utc_now, world.random)


def describe_source(source: str, variables: Mapping[str, str]) -> str:
    """Return what a local source is, after a look at its file or variable. Raises UsageError, InputError."""
    from kubectl_asm.adapters.credentials import local

    word, _, name = source.partition(":")
    if word == "profile":
        profile = local.decode_profile(_profile_file(variables), name, f"~/{PROFILE_FILE}")
        return f"profile {profile.name} of ~/{PROFILE_FILE}, mode {profile.mode}"
    if word == "uri":
        local.check_uri(variables.get(local.URI_VARIABLE, "").strip())
        return f"the service of {local.URI_VARIABLE}"
    return "the role of this machine"


def _profile_file(variables: Mapping[str, str]) -> bytes:
    path = Path(variables.get("HOME") or "~").expanduser() / PROFILE_FILE
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"cannot be read: {reason}", file=f"~/{PROFILE_FILE}", hint="write one with `aliyun configure`"
        ) from None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose credentials a client has, as STS says. kind: the service's word, such as AssumedRoleUser."""

    account: str
    arn: str
    kind: str


@dataclass(frozen=True, slots=True)
class Client:
    """One distinct identity of a command: a store and service, or the environment. used_by: entries that read through it."""

    name: str
    provider: Provider
    store: tuple[str, str] | None
    identity: Identity | None
    plan: ClientPlan | None = None
    refusal: Refusal | None = None
    used_by: int = 0

    @property
    def label(self) -> str:
        """Return its name for people."""
        return " ".join(self.store) if self.store else ENVIRONMENT

    @property
    def service(self) -> Provider | None:
        """Return the service a store is for; the environment serves both."""
        return self.provider if self.store else None

    @property
    def known_arn(self) -> str:
        """Return the role its calls are made as, where that is written down; empty where only STS knows."""
        if self.identity is None:
            return ""
        return self.identity.hop.role_arn if self.identity.hop else self.identity.role_arn


@dataclass(frozen=True, slots=True)
class Resolved:
    """A client and what asking for its identity gave: a caller or an error."""

    client: Client
    caller: Caller | None = None
    error: BackendError | None = None


Identify = Callable[[ClientPlan], Caller]


def identify_all(identify: Identify, clients: Sequence[Client], concurrency: int) -> list[Resolved]:
    """Ask for every client, in parallel; the order stays. Clients without an identity are not asked for."""

    def ask(client: Client) -> Resolved:
        if client.plan is None or client.refusal is not None:
            return Resolved(client, error=_as_error(client.refusal))
        try:
            return Resolved(client, caller=identify(client.plan))
        except BackendError as error:
            return Resolved(client, error=error)

    with ThreadPoolExecutor(max(1, min(concurrency, len(clients))), thread_name_prefix="asm-identity") as pool:
        return list(pool.map(ask, clients))


def _as_error(refusal: Refusal | None) -> BackendError:
    if refusal is None:
        return BackendError("nothing was decided about this client", permanent=True)
    return BackendError(refusal.reason, error_class=refusal.error_class, gate=refusal.gate, permanent=True)


def clients_in_use(session: Session, externals: Sequence[ExternalSecret]) -> list[Client]:
    """Return the clients that entries of these objects read through, by label; what no client reads is left out."""
    found: dict[tuple[str, str], Client] = {}
    for external in externals:
        admitted = session.rounds.admit(external)
        for admission in admitted if isinstance(admitted, tuple) else ():
            client = _client(admission)
            key = (client.name, client.provider)
            if client.identity is not None and client.plan is not None:
                found[key] = replace(client, used_by=found[key].used_by + 1 if key in found else 1)
    return sorted(found.values(), key=lambda client: (client.label, client.provider))


@dataclass(frozen=True, slots=True)
class ClientScope:
    """Which clients are of interest. namespaces: whose stores, empty for all; manifests: the stores of files instead.

    only_used: those that the chosen objects read through, and no other.
    """

    namespaces: Sequence[str] = ()
    manifests: Manifests | None = None
    only_used: bool = False

    def stores(self, reader: ObjectReader) -> list[SecretStore | ClusterSecretStore]:
        """Return the stores in scope. Raises ClusterError."""
        if self.manifests is not None:
            return [*self.manifests.of_kind(SecretStore), *self.manifests.of_kind(ClusterSecretStore)]
        found: list[SecretStore | ClusterSecretStore] = []
        for namespace in self.namespaces or ("",):
            found += reader.list(SecretStore, namespace)
        try:
            return [*found, *reader.list(ClusterSecretStore)]
        except ClusterError:
            return found  # who may not list them still sees those that are referred to


def clients_of_stores(session: Session, externals: Sequence[ExternalSecret], scope: ClientScope) -> list[Client]:
    """Return the environment client and one client a store and service: of the scope, and those referred to.

    A ClusterSecretStore is looked at whatever namespaces it admits: who may use it is what `explain` says.
    """
    uses = _uses(session, externals)
    clients = [_client(admission) for admission in _probe_environment(session)]
    for store in _stores(scope.stores(session.reader), externals):
        clients += [_client(admission) for admission in _probe(session, store)]
    return [replace(client, used_by=uses[(client.name, client.provider)]) for client in clients]


def shown_clients(session: Session, externals: Sequence[ExternalSecret], scope: ClientScope) -> list[Client]:
    """Return the clients worth a line: those in use, or all in scope; an environment nobody uses or set is none."""
    if scope.only_used:
        return clients_in_use(session, externals)
    clients = clients_of_stores(session, externals, scope)
    return [client for client in clients if client.store is not None or client.used_by or client.identity is not None]


def _uses(session: Session, externals: Sequence[ExternalSecret]) -> Counter[tuple[str, str]]:
    """Return how many entries name each client, refused ones included."""
    uses: Counter[tuple[str, str]] = Counter()
    for external in externals:
        admitted = session.rounds.admit(external)
        provider = Provider.OOS if external.spec.provider == Provider.OOS else Provider.KMS
        uses.update((_base(one), provider) for one in (admitted if isinstance(admitted, tuple) else ()))
    environment = [key for key in uses if key[0] == ENV_CLIENT]
    if environment:  # one identity serves both services
        uses[(ENV_CLIENT, Provider.KMS)] = sum(uses.pop(key) for key in environment)
    return uses


def _base(admission: EntryAdmission) -> str:
    return admission.client_name.split("#", 1)[0]


def _client(admission: EntryAdmission) -> Client:
    """Return who an admitted entry reads as. A missing region or host is no matter of identity."""
    plan = admission.plan
    if plan is None:
        return Client(_base(admission), Provider.KMS, None, None, refusal=admission.refusal)
    refusal = plan.refusal if plan.identity is None else None
    asked = msgspec.structs.replace(plan, name=_base(admission), refusal=refusal)
    return Client(_base(admission), plan.provider, plan.store, plan.identity, asked, refusal)


def _probe_environment(session: Session) -> tuple[EntryAdmission, ...]:
    return _admit(session.rounds.settings, session, Provider.KMS, "", None)


def _probe(session: Session, store: SecretStore | ClusterSecretStore) -> Iterator[EntryAdmission]:
    """Yield the admission of an entry that refers to a store, for each service it is for."""
    is_cluster = isinstance(store, ClusterSecretStore)
    # On a cluster store the only gate is who may use it.
    settings = session.rounds.settings.replaced({"ignore_access_gates": True}) if is_cluster else session.rounds.settings
    providers = [Provider.OOS] if store.spec.oos is not None and store.spec.kms is None else [Provider.KMS]
    for provider in providers:
        ref = SecretStoreRef(name=store.name, namespace=store.namespace, kind=store.RESOURCE.kind)
        yield from _admit(settings, session, provider, store.namespace, ref)


def _admit(
    settings: Settings, session: Session, provider: Provider, namespace: str, ref: SecretStoreRef | None
) -> tuple[EntryAdmission, ...]:
    ports = session.rounds.ports
    # The host of a call says nothing about who makes it.
    hostless = settings.replaced({"endpoint_policy": "permissive"})
    entry = DataSource(key="identity", secret_store_ref=ref)
    external = ExternalSecret(metadata=Meta(namespace=namespace), spec=ExternalSecretSpec(provider=provider, data=(entry,)))
    admitted = Admitter(ports.references, hostless, ports.environment).admit(external, provider)
    label = (ref.kind, f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name) if ref else None
    return tuple(_labelled(admission, provider, label) for admission in admitted)


def _labelled(admission: EntryAdmission, provider: Provider, store: tuple[str, str] | None) -> EntryAdmission:
    """Give a refused entry a plan that carries its store and refusal, so that it can be shown like the others."""
    if admission.plan is not None:
        return admission
    plan = ClientPlan(name=admission.client_name, provider=provider, refusal=admission.refusal, store=store)
    return msgspec.structs.replace(admission, plan=plan)


def _stores(
    given: Sequence[SecretStore | ClusterSecretStore], externals: Sequence[ExternalSecret]
) -> list[SecretStore | ClusterSecretStore]:
    """Return the stores to look at, those given and those referred to: namespaced ones first, then cluster ones, by name."""
    named = {(store.namespace, store.name): store for store in given if isinstance(store, SecretStore)}
    cluster = {store.name: store for store in given if isinstance(store, ClusterSecretStore)}
    for external in externals:
        for entry in entries_of(external):
            ref = entry.source.secret_store_ref
            if ref is not None and ref.kind == CLUSTER_STORE_KIND:
                cluster.setdefault(ref.name, ClusterSecretStore(metadata=Meta(name=ref.name)))
            elif ref is not None:
                namespace = ref.namespace or external.namespace
                stand_in = SecretStore(metadata=Meta(name=ref.name, namespace=namespace))
                named.setdefault((namespace, ref.name), stand_in)
    return [*(named[key] for key in sorted(named)), *(cluster[key] for key in sorted(cluster))]


def expect_account(account: str, resolved: Sequence[Resolved]) -> None:
    """Raise UsageError when a client belongs to another account than expected, or its account cannot be found out."""
    for one in resolved:
        if one.caller is None:
            raise UsageError(
                f"the account of {one.client.label} cannot be found out, so it is not known to be {account}: {one.error}",
                hint=one.error.hint if one.error else None,
            )
        if one.caller.account != account:
            raise UsageError(
                f"{one.client.label} belongs to account {one.caller.account} ({one.caller.arn}), not to {account}",
                hint="nothing was read; check the context, the store and --credentials, or change --expect-account",
            )


def patient(identify: Identify, world: World) -> Identify:
    """Return a way to ask that repeats a call which failed for a passing reason."""
    retry = Retry(world.clock, world.random)
    return lambda plan: retry.run(lambda: identify(plan))
