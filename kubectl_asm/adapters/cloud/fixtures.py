"""A fixtures file as the cloud: values in memory, read through the same port as the real services.

Used by render, diff and sync with --backend, by the users' own tests and by the conformance harness. Identity is
assumed: a ClientPlan's refusal (no region, no tier, missing key) is ignored, because no real client is needed.
Source: spec/operation.md 6, conformance README section 4.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from kubectl_asm.adapters.cloud.values import (
    CURRENT_STAGE,
    DEFAULT_VERSION_ID,
    BackendValue,
    Failure,
    Fault,
    FaultKind,
    Fixtures,
    Payload,
    Script,
    Step,
    Versions,
)
from kubectl_asm.model.backend import (
    BackendError,
    ClientPlan,
    Network,
    Provider,
    SecretAnswer,
    SecretRead,
    SecretRequest,
    StaleClientError,
)

UNKNOWN_KEY: Final = Failure("Forbidden.ResourceNotFound", 404, "Resource not found")


class FixtureSecretReader:
    """ports.SecretReader over Fixtures. Scripts advance by one step a call, for each store, service and key.

    default: the value of every key that is not written down; without it such a key answers 404.
    """

    def __init__(self, fixtures: Fixtures, *, default: BackendValue | None = None) -> None:
        self._fixtures = fixtures
        self._default = default if default is not None else UNKNOWN_KEY
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, Provider, str]] = Counter()

    def read(self, read: SecretRead) -> SecretAnswer:
        """Return the answer that is written down; raises the BackendError that is, StaleClientError for a stale client."""
        if read.client.stale:
            raise StaleClientError(read.client.name)
        store, request = store_name(read.client), read.request
        content = self._fixtures.stores.get(store, self._fixtures.common)
        value = content.of(request.provider).get(request.key, self._default)
        step = resolve(value, request, self._next_call(store, request))
        if isinstance(step, Payload):
            return answer_of(step, request)
        if isinstance(step, Fault):
            return _faulty_answer(step, request)
        raise error_of(step)

    def _next_call(self, store: str, request: SecretRequest) -> int:
        key = (store, request.provider, request.key)
        with self._lock:
            self._calls[key] += 1
            return self._calls[key] - 1


def store_name(client: ClientPlan) -> str:
    """Return the name a client has in `stores`: `env`, `NS/NAME` or `cluster/NAME`."""
    plain = client.name.split("#", 1)[0]
    return "env" if plain == "env.client" else plain.removeprefix("namespace/")


def resolve(value: BackendValue, request: SecretRequest, call: int) -> Step:
    """Return what a value answers to a request. call: how often this key was asked before."""
    if isinstance(value, Script):
        return value.step(call)
    if isinstance(value, Versions):
        is_kms = request.provider is Provider.KMS
        chosen = value.choose(request.version_id, request.version_stage) if is_kms else value.choose("", "")
        return chosen if chosen is not None else UNKNOWN_KEY
    return value


def answer_of(payload: Payload, request: SecretRequest) -> SecretAnswer:
    """Return a payload as the reader's answer. A value without versions has whichever version is asked for."""
    if not payload.has_body:
        return SecretAnswer(has_body=False)
    if request.provider is Provider.OOS:
        return SecretAnswer(payload.data, version_id="1")
    stages = payload.stages or (() if payload.version_id else (request.version_stage or CURRENT_STAGE,))
    version_id = payload.version_id or request.version_id or DEFAULT_VERSION_ID
    return SecretAnswer(payload.data, payload.is_binary, version_id=version_id, version_stages=stages)


def error_of(failure: Failure) -> BackendError:
    """Return the error that a written failure stands for."""
    return BackendError(
        failure.message,
        code=failure.code,
        status=failure.status,
        network=failure.network,
        retry_after_s=failure.retry_after_s,
    )


def _faulty_answer(fault: Fault, request: SecretRequest) -> SecretAnswer:
    """Return or raise what the real client makes of a defective reply; a slow one is merely its payload here."""
    if fault.kind is FaultKind.SLOW:
        return answer_of(fault.payload, request)
    if fault.kind is FaultKind.EMPTY:
        return SecretAnswer(has_body=False)
    raise _FAULT_ERRORS[fault.kind]()


_FAULT_ERRORS: Final = {
    FaultKind.TRUNCATE: lambda: BackendError(network=Network.RESET),
    FaultKind.RESET: lambda: BackendError(network=Network.RESET),
    FaultKind.HTML: lambda: BackendError("the answer is not JSON", status=502),
    FaultKind.NOT_JSON: lambda: BackendError("the answer is not JSON", status=200),
    FaultKind.WRONG_SHAPE: lambda: BackendError("the answer does not have the documented shape", status=200),
    FaultKind.HUGE: lambda: BackendError("the answer is larger than this client reads", status=200),
    FaultKind.REDIRECT: lambda: BackendError("the service answered with a redirect, which is not followed", status=302),
}
