"""Reads from the cloud and what came of them: the words shared by engine, adapters, fixtures and emulator tests.

Source: spec/data.md sections 2 and 8, spec/endpoints.md 6, spec/auth.md 3.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Final

import msgspec

from kubectl_asm.errors import AsmError
from kubectl_asm.model.denial import Denial
from kubectl_asm.model.sensitive import SecretBytes


class Provider(enum.StrEnum):
    """spec.provider: exact lower-case words."""

    KMS = "kms"
    OOS = "oos"


class Tier(enum.StrEnum):
    """How credentials are obtained (spec/auth.md 3). LOCAL: a source of a developer's machine, on request only."""

    SERVICE_ACCOUNT = "serviceAccountRRSA"
    TOKEN_FILE = "rrsa"  # noqa: S105  # the name of a tier, no password
    AK_ASSUME_ROLE = "akAssumeRole"
    AK = "ak"
    WORKER_ROLE = "workerRole"
    LOCAL = "local"


class ErrorClass(enum.StrEnum):
    """Why an entry failed (conformance vocabulary, section 8.3)."""

    ACCESS = "access"
    REFERENCE = "reference"
    CONFIGURATION = "configuration"
    ENDPOINT = "endpoint"
    NO_CREDENTIALS = "no-credentials"
    CREDENTIALS = "credentials"
    BACKEND = "backend"


class Network(enum.StrEnum):
    """Failures below HTTP. The first four are transient (spec/data.md 8.1)."""

    TIMEOUT = "timeout"
    RESET = "reset"
    BROKEN_PIPE = "brokenPipe"
    DNS_TEMPORARY = "dnsTemporary"
    DNS_NO_SUCH_HOST = "dnsNoSuchHost"
    PERMISSION_DENIED = "permissionDenied"
    REFUSED = "refused"
    TLS = "tls"
    OTHER = "other"


_TRANSIENT_NETWORK = frozenset({Network.TIMEOUT, Network.RESET, Network.BROKEN_PIPE, Network.DNS_TEMPORARY})
_TRANSIENT_CODES = frozenset({"Rejected.Throttling", "ServiceUnavailableTemporary", "InternalFailure"})


class Refusal(msgspec.Struct, frozen=True):
    """Why an entry is not read: a class, a sentence that names object, field and fix, and the gate if one refused."""

    error_class: ErrorClass
    reason: str
    gate: str = ""


class AccessKeyPair(msgspec.Struct, frozen=True):
    """A long-term AccessKey. The id is not secret by itself, the secret is."""

    key_id: SecretBytes
    secret: SecretBytes


class RoleHop(msgspec.Struct, frozen=True):
    """One AssumeRole on top of the chosen tier's credentials."""

    role_arn: str
    session_name: str


class Identity(msgspec.Struct, frozen=True):
    """The tier that was chosen for a client and everything its driver needs. No I/O has happened yet.

    key: T3, T4. role_arn, session_name: T1 to T3. duration_s: seconds or None (T2, T3). oidc_provider_arn: T1, T2.
    token_file: T2. service_account (namespace, name) and audiences: T1. hop: cross-account role, any tier.
    source: LOCAL, the word of --credentials.
    fallback: T1 only, what takes over for the life of the client when its first token request fails; None: nothing does.
    """

    tier: Tier
    key: AccessKeyPair | None = None
    role_arn: str = ""
    session_name: str = ""
    duration_s: int | None = None
    oidc_provider_arn: str = ""
    token_file: str = ""
    service_account: tuple[str, str] | None = None
    audiences: tuple[str, ...] = ()
    hop: RoleHop | None = None
    source: str = ""
    fallback: Identity | Refusal | None = None


class ClientPlan(msgspec.Struct, frozen=True):
    """A backend client as decided by the engine: who asks, and where.

    name: spec/endpoints.md 6, visible in error texts. endpoint: host without scheme. ca_file: path of the only CA
    trusted for this host, empty for the system store. identity: None when a refusal explains why there is none.
    refusal: what a real client must answer instead of calling; a fixtures file, which assumes identity, ignores it.
    version: changes whenever the store, its Secrets or ServiceAccount change, so that clients are rebuilt.
    """

    name: str
    provider: Provider
    endpoint: str = ""
    endpoint_rule: str = ""
    region: str = ""
    ca_file: str = ""
    identity: Identity | None = None
    refusal: Refusal | None = None
    version: str = ""
    store: tuple[str, str] | None = None
    stale: bool = False

    @property
    def cache_key(self) -> tuple[str, str, str, str]:
        """Equal for plans that may share one client object."""
        return (self.provider, self.name, self.endpoint, self.version)


class SecretRequest(msgspec.Struct, frozen=True):
    """What is asked of the service. OOS ignores both version fields (spec/data.md 2.2)."""

    provider: Provider
    key: str
    version_id: str = ""
    version_stage: str = ""


class SecretRead(msgspec.Struct, frozen=True):
    """One call to make: through which client, for what."""

    client: ClientPlan
    request: SecretRequest


@dataclass(frozen=True, slots=True)
class SecretAnswer:
    """A successful reply, undecoded. data is None when the field was absent; has_body is False without any body."""

    data: SecretBytes | None = None
    is_binary: bool = False
    has_body: bool = True
    version_id: str = ""
    version_stages: tuple[str, ...] = ()
    request_id: str = field(default="", compare=False)


class BackendError(AsmError):
    """A read that failed: a service answer (code, HTTP status) or a network failure.

    message: the service's own words, only where they are known to hold no value, token or URL.
    retry_after_s: delay stated by the server, seconds. error_class: CREDENTIALS when the identity's own calls failed.
    denial: what the service said about a refusal. repeated: no call was made, an earlier failure is told again.
    """

    exit_code = 1
    repeated = False

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        status: int = 0,
        network: Network | None = None,
        request_id: str = "",
        retry_after_s: float | None = None,
        error_class: ErrorClass = ErrorClass.BACKEND,
        hint: str | None = None,
        gate: str = "",
        permanent: bool = False,
        denial: Denial | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.denial = denial
        self.code = code
        self.status = status
        self.network = network
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.error_class = error_class
        self.gate = gate
        self.permanent = permanent

    @property
    def is_transient(self) -> bool:
        """Whether another attempt may succeed (spec/data.md 8.1, spec/operation.md 8)."""
        if self.permanent:
            return False
        if self.network is not None:
            return self.network in _TRANSIENT_NETWORK
        is_throttling = self.code == "Throttling" or self.code.startswith("Throttling.")
        return self.code in _TRANSIENT_CODES or is_throttling or self.status == 429 or self.status >= 500

    def _denied(self) -> str:
        return str(self.denial) if self.denial is not None else ""

    def __str__(self) -> str:
        head = self.code or (f"network failure: {self.network}" if self.network else "")
        parts = [head, f"HTTP {self.status}" if self.status else "", self.message, self._denied()]
        text = ", ".join(part for part in parts if part) or "unknown failure"
        return f"{text} (request {self.request_id})" if self.request_id else text


class StaleClientError(Exception):
    """The store of a client is being rebuilt: the whole round is dropped and retried (spec/data.md 2.4)."""


class ShutdownError(Exception):
    """The process is shutting down: no further call is started."""


SecretOutcome = SecretAnswer | BackendError


_REQUEST_ID: Final = re.compile(r" \(request [^()]*\)")


def without_request_ids(text: str) -> str:
    """Return the text of failures without the ids of their requests, which change with every call: equal means no news."""
    return _REQUEST_ID.sub("", text)
