"""From a decided ClientPlan to a client that calls: one client a plan, kept while the plan stays the same.

Built by wiring.py for every command that talks to the real services. A plan's refusal becomes an error before any
connection; credentials are shared by all endpoints of one store and service.
Source: spec/endpoints.md 4, 6; spec/auth.md 9.
"""

from __future__ import annotations

import hashlib
import importlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from kubectl_asm.adapters.cloud.transport import Transport, TransportOptions
from kubectl_asm.adapters.credentials.base import CredentialProvider
from kubectl_asm.errors import UsageError
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    ErrorClass,
    Provider,
    SecretAnswer,
    SecretOutcome,
    SecretRead,
    StaleClientError,
)
from kubectl_asm.ports import BatchSecretReader, Clock

K = TypeVar("K")
V = TypeVar("V")


class Transports:
    """One Transport a trust anchor. A CA file that changed gives a new one: its content is part of the key."""

    def __init__(self, options: TransportOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._transports: dict[tuple[str, str], Transport] = {}

    def get(self, ca_file: str = "") -> Transport:
        """Return the transport that trusts ca_file and nothing else, or the system's store when empty. Raises UsageError."""
        key = (ca_file, _digest(ca_file))
        with self._lock:
            transport = self._transports.get(key)
            if transport is None:
                transport = self._transports[key] = Transport(self._options, self._clock, ca_file=ca_file)
            return transport

    def close(self) -> None:
        """Close idle connections of all transports."""
        with self._lock:
            for transport in self._transports.values():
                transport.close()


ProviderFactory = Callable[[ClientPlan], CredentialProvider]
ClientFactory = Callable[[ClientPlan, CredentialProvider], BatchSecretReader]


class CloudRouter:
    """ports.BatchSecretReader over the real services: finds, builds and keeps the client of each read.

    provider_for: credentials of a plan, asked once for each store, service and version (adapters/credentials/chain.py).
    client_for: sdk_client of this module, or another builder with the same shape. limit: clients kept, least used out first.
    """

    def __init__(self, provider_for: ProviderFactory, client_for: ClientFactory, *, limit: int = 512) -> None:
        self._provider_for = provider_for
        self._client_for = client_for
        self._lock = threading.Lock()
        self._clients: _Recent[tuple[str, str, str], BatchSecretReader] = _Recent(limit)
        self._providers: _Recent[tuple[str, str], CredentialProvider] = _Recent(limit)

    def read(self, read: SecretRead) -> SecretAnswer:
        """Read through the client of the plan. Raises BackendError, StaleClientError, ShutdownError."""
        return self._client(read.client).read(read)

    def read_batch(self, client: ClientPlan, reads: Sequence[SecretRead]) -> Sequence[SecretOutcome]:
        """Read several through one client in one call. Raises as read, and BatchUnsupportedError."""
        return self._client(client).read_batch(client, reads)

    def forget(self) -> None:
        """Drop every client and credential; those in use end with their call."""
        with self._lock:
            self._clients.clear()
            self._providers.clear()

    def credentials_of(self, plan: ClientPlan) -> CredentialProvider:
        """Return what the client of a plan signs with, kept for its reads. Raises BackendError."""
        _check(plan)
        with self._lock:
            return self._provider(plan)

    def _client(self, plan: ClientPlan) -> BatchSecretReader:
        _check(plan)
        with self._lock:
            key = (plan.provider, plan.name, plan.endpoint)
            client = self._clients.get(key, plan.version)
            if client is None:
                client = self._build(plan)
                self._clients.put(key, plan.version, client)
            return client

    def _build(self, plan: ClientPlan) -> BatchSecretReader:
        provider = self._provider(plan)
        try:
            return self._client_for(plan, provider)
        except UsageError as error:  # an unusable CA file is this client's failure, not the whole pass's
            raise BackendError(error.message, hint=error.hint, error_class=ErrorClass.CONFIGURATION, permanent=True) from None

    def _provider(self, plan: ClientPlan) -> CredentialProvider:
        key = (plan.provider, plan.name.split("#", 1)[0])
        provider = self._providers.get(key, plan.version)
        if provider is None:
            provider = self._provider_for(plan)
            self._providers.put(key, plan.version, provider)
        return provider


def _check(plan: ClientPlan) -> None:
    """Raise what stands against a plan before any connection."""
    if plan.stale:
        raise StaleClientError(plan.name)
    if plan.refusal is not None:
        refusal = plan.refusal
        raise BackendError(refusal.reason, error_class=refusal.error_class, gate=refusal.gate, permanent=True)


class _Recent(Generic[K, V]):
    """The values last used, at most one version of each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[K, tuple[str, V]] = OrderedDict()

    def get(self, key: K, version: str) -> V | None:
        item = self._items.get(key)
        if item is None or item[0] != version:
            return None
        self._items.move_to_end(key)
        return item[1]

    def put(self, key: K, version: str, value: V) -> None:
        self._items[key] = (version, value)
        self._items.move_to_end(key)
        while len(self._items) > self._limit:
            self._items.popitem(last=False)

    def clear(self) -> None:
        self._items.clear()


def sdk_client(transports: Transports) -> ClientFactory:
    """Return a builder of clients over the official SDK, which is imported when the first client of a service is built."""

    def build(plan: ClientPlan, provider: CredentialProvider) -> BatchSecretReader:
        sdk = importlib.import_module("kubectl_asm.adapters.cloud.sdk")
        channel = sdk.SdkChannel(transports.get(plan.ca_file), provider, endpoint=plan.endpoint, region=plan.region)
        if plan.provider is Provider.KMS:
            client: BatchSecretReader = importlib.import_module("kubectl_asm.adapters.cloud.kms").KmsReader(channel)
        else:
            client = importlib.import_module("kubectl_asm.adapters.cloud.oos").OosReader(channel)
        return client

    return build


def _digest(path: str) -> str:
    if not path:
        return ""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"  # building the transport says why
