"""The cloud of a command: a fixtures file, an emulator, or the real services."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubectl_asm.adapters.decorate import (
    AttemptLimiter,
    BatchingSource,
    CallCounts,
    ConcurrencyLimit,
    MeteredReader,
    Retry,
)
from kubectl_asm.adapters.files import read_file
from kubectl_asm.adapters.joining import JoiningSource
from kubectl_asm.engine.endpoints import sts_host
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import ClientPlan
from kubectl_asm.model.settings import Settings
from kubectl_asm.ports import BatchSecretReader, SecretSource, TokenIssuer
from kubectl_asm.wiring.identity import Caller, CredentialChoice, Identify, open_chain
from kubectl_asm.wiring.inputs import read_fixtures
from kubectl_asm.wiring.offline import fixture_source
from kubectl_asm.wiring.world import World

if TYPE_CHECKING:
    from kubectl_asm.adapters.cloud.router import CloudRouter
    from kubectl_asm.adapters.cloud.transport import Transport, TransportOptions
    from kubectl_asm.adapters.credentials.chain import CredentialChain


@dataclass(frozen=True, slots=True)
class CloudChoice:
    """Which cloud. fixtures: a file replaces all services; emulator: ready file of a running emulator."""

    fixtures: str = ""
    emulator: str = ""
    concurrency: int = 16
    credentials: CredentialChoice = field(default_factory=CredentialChoice)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Cloud:
    """An open cloud. forget: drop what was read, so that a repeated pass reads afresh.

    identify: asks STS once whose credentials a plan has. reach: asks a host (with its CA file) for any answer and returns
    its Date header; raises BackendError, UsageError. Both are None where a file acts as the cloud.
    """

    source: SecretSource
    forget: Callable[[], None]
    identify: Identify | None = None
    reach: Callable[[str, str], str] | None = None
    sts_host: str = ""


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind a cloud that is no file: a reader without retry and limits, and the fields of Cloud."""

    reader: BatchSecretReader
    identify: Identify
    reach: Callable[[str, str], str]
    sts_host: str


@contextlib.contextmanager
def open_cloud(
    choice: CloudChoice, settings: Settings, world: World, counts: CallCounts, tokens: TokenIssuer | None
) -> Iterator[Cloud]:
    """Open the chosen cloud; equal reads of one pass are joined and reads of one client are batched."""
    if choice.fixtures:
        fixtures = fixture_source(read_fixtures(choice.fixtures), world, counts)
        yield Cloud(fixtures, fixtures.forget)
        return
    with open_services(choice, settings, world, tokens) as services:
        metered = MeteredReader(services.reader, counts, world.clock)
        limited = AttemptLimiter(ConcurrencyLimit(metered, choice.concurrency), world.clock)
        joined = JoiningSource(BatchingSource(limited, Retry(world.clock, world.random)))
        yield Cloud(joined, joined.forget, services.identify, services.reach, services.sts_host)


@contextlib.contextmanager
def open_services(choice: CloudChoice, settings: Settings, world: World, tokens: TokenIssuer | None) -> Iterator[Services]:
    """Open the real services, or an emulator in their place."""
    from kubectl_asm.adapters.cloud.proxies import ProxySettings
    from kubectl_asm.adapters.cloud.router import CloudRouter, Transports, sdk_client
    from kubectl_asm.adapters.cloud.transport import TransportOptions

    options = TransportOptions(
        connections=choice.concurrency,
        dial=_dial(choice.emulator) if choice.emulator else None,
        proxies=ProxySettings.from_environment(choice.variables),
    )
    transports = Transports(options, world.clock)
    near = _near(options, choice.credentials, settings, world)
    chain = open_chain(transports.get(), near, choice.credentials, choice.variables, settings, world, tokens)
    router = CloudRouter(chain.provider_for, sdk_client(transports))
    try:
        yield Services(
            router,
            lambda plan: _ask(chain, router, plan),
            lambda host, ca_file: _reach(transports.get(ca_file), host),
            sts_host(settings, choice.variables),
        )
    finally:
        if near is not None:
            near.close()
        transports.close()


def _near(options: TransportOptions, credentials: CredentialChoice, settings: Settings, world: World) -> Transport | None:
    """Return the transport to services of this machine, where one may be asked. They are near or absent: no long waits."""
    from kubectl_asm.adapters.cloud.transport import Transport

    if not (settings.enable_worker_role or credentials.is_local):
        return None
    dial = None if credentials.source == "uri" else options.dial  # the address of a credentials URI is no cloud host
    near = replace(options, connect_timeout_s=2.0, read_timeout_s=2.0, total_timeout_s=5.0, dial=dial)
    return Transport(near, world.clock)


def _ask(chain: CredentialChain, router: CloudRouter, plan: ClientPlan) -> Caller:
    """Ask STS whose credentials the reads of a plan are made with. Raises BackendError."""
    found = chain.caller_identity(router.credentials_of(plan))
    return Caller(found.account, found.arn, found.kind)


def _reach(transport: Transport, host: str) -> str:
    """Return the Date header of whatever a host answers to an unsigned request. Raises BackendError."""
    from kubectl_asm.adapters.cloud.failures import transport_error
    from kubectl_asm.adapters.cloud.network import TransportError

    try:
        reply = transport.exchange("GET", f"{host if '://' in host else f'https://{host}'}/", {})
    except TransportError as error:
        failure = transport_error(error)
    else:
        return reply.headers.get("date", "")
    raise failure


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
