"""The role of the machine, from instance metadata (tier T5): version 2 with a session token, version 1 where that is refused.

Source: spec/auth.md 7, spec/cloud-apis.md 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from kubectl_asm.adapters.cloud.failures import transport_error
from kubectl_asm.adapters.cloud.network import TransportError
from kubectl_asm.adapters.cloud.transport import Reply, Transport
from kubectl_asm.adapters.credentials.base import Credentials, WallClock, credentials_error
from kubectl_asm.adapters.credentials.refresh import WORKER_WINDOW, RefreshingCredentials, before_end
from kubectl_asm.adapters.credentials.sts import read_document, session_credentials
from kubectl_asm.model import variables
from kubectl_asm.model.backend import BackendError, ErrorClass
from kubectl_asm.ports import Random

SILENCE: Final = timedelta(seconds=60)
"""The service answers at once or is not there: one bounded wait is enough for everybody who asks within this time."""
_ROLES: Final = "/latest/meta-data/ram/security-credentials/"
_ROLE_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_TOKEN_LIFE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class MetadataOptions:
    """endpoint: base URL. role: its name, when known beforehand. is_v1_allowed: whether to go on without a session token.

    is_v2_used: whether a session token is asked for at all.
    """

    endpoint: str = "http://100.100.100.200"
    role: str = ""
    is_v1_allowed: bool = True
    is_v2_used: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> MetadataOptions:
        """Return the options that the variables of the official credentials library ask for (spec/auth.md 2)."""
        host = environment.get(variables.METADATA_HOST, "").strip()
        role = environment.get(variables.METADATA_ROLE, "").strip()
        return cls(
            f"http://{host}" if host else cls().endpoint,
            role,
            is_v2_used=not variables.is_on(environment, variables.METADATA_V2_OFF),
        )


class MetadataClient:
    """Reads the machine's role credentials. Raises BackendError of class credentials, no-credentials without a role."""

    def __init__(self, transport: Transport, options: MetadataOptions | None = None) -> None:
        self._transport = transport
        self._options = options or MetadataOptions()

    def provider(self, now: WallClock, random: Random) -> RefreshingCredentials:
        """Return the provider of the machine's role. Share one: there is one machine, and one wait when it does not answer."""
        return RefreshingCredentials(self.credentials, before_end(WORKER_WINDOW, random), now, silence=SILENCE)

    def credentials(self) -> Credentials:
        """Return the credentials of the machine's role, fresh from the service."""
        headers = self._session_headers()
        role = self._options.role or self._role_name(headers)
        what = f"reading the credentials of the worker role {role} failed"
        document = read_document(self._get("GET", _ROLES + role, headers, what), what)
        if document.get("Code") != "Success":
            raise credentials_error(f"{what}: the metadata service says it did not succeed")
        return session_credentials(document, what)

    def region(self) -> str:
        """Return the machine's region."""
        what = "reading the region from instance metadata failed"
        return _text(self._get("GET", "/latest/meta-data/region-id", self._session_headers(), what), what)

    def _session_headers(self) -> dict[str, str]:
        if not self._options.is_v2_used:
            return {}
        what = "asking instance metadata for a session failed"
        ttl = {"X-aliyun-ecs-metadata-token-ttl-seconds": str(_TOKEN_LIFE_S)}
        reply = self._get("PUT", "/latest/api/token", ttl, what)
        if reply.status in (403, 404) and self._options.is_v1_allowed:
            return {}
        return {"X-aliyun-ecs-metadata-token": _text(reply, what)}

    def _role_name(self, headers: dict[str, str]) -> str:
        what = "reading the name of the worker role failed"
        reply = self._get("GET", _ROLES, headers, what)
        if reply.status == 404:
            raise BackendError(
                "no RAM role is attached to this machine",
                error_class=ErrorClass.NO_CREDENTIALS,
                hint="attach a role, or configure another identity for the store",
                permanent=True,
            )
        name = _text(reply, what)
        if _ROLE_NAME.fullmatch(name) is None:
            raise credentials_error(f"{what}: the answer is no role name")
        return name

    def _get(self, method: str, path: str, headers: dict[str, str], what: str) -> Reply:
        try:
            return self._transport.exchange(method, f"{self._options.endpoint.rstrip('/')}{path}", headers)
        except TransportError as error:
            hint = "instance metadata exists on Alibaba Cloud machines only; elsewhere leave --enable-worker-role off"
            raise credentials_error(what, cause=transport_error(error), hint=hint) from None


def _text(reply: Reply, what: str) -> str:
    text = reply.body.decode("ascii", "replace").strip()
    if reply.status != 200 or not text or "\n" in text:
        raise credentials_error(what, cause=BackendError(status=reply.status))
    return text
