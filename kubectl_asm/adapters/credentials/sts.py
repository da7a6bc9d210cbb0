"""A thin STS client: AssumeRole, AssumeRoleWithOIDC and GetCallerIdentity over the hardened transport.

Ours rather than the official credentials package, because that one cannot be hardened from outside: it puts OIDC and
security tokens into URLs and those into log lines and exceptions, takes no CA, signs a space wrongly, and installs
handlers and threads on import. Requests are POST with a form body, so that no token is ever part of a URL. The official
STS client and the package's signer stay the oracles of the tests.
Source: spec/auth.md 6, spec/cloud-apis.md 3 and 5.3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from kubectl_asm.adapters.cloud.failures import service_error, transport_error
from kubectl_asm.adapters.cloud.network import TransportError
from kubectl_asm.adapters.cloud.signing import rpc_signature
from kubectl_asm.adapters.cloud.transport import Reply, Transport
from kubectl_asm.adapters.credentials.base import Credentials, WallClock, credentials_error
from kubectl_asm.model.backend import BackendError
from kubectl_asm.model.denial import decode_denial
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.ports import Random

API_VERSION: Final = "2015-04-01"
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class RoleCall:
    """The role to assume. duration_s None: the service's default of one hour."""

    role_arn: str
    session_name: str
    duration_s: int | None = None

    def params(self) -> dict[str, str]:
        """Return the request parameters."""
        params = {"RoleArn": self.role_arn, "RoleSessionName": self.session_name}
        return params if self.duration_s is None else {**params, "DurationSeconds": str(self.duration_s)}


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """Who a credential is. kind: the service's word, `AssumedRoleUser`, `RAMUser`, `Account`."""

    account: str
    arn: str
    kind: str


class StsClient:
    """Calls STS at one host. Raises BackendError of class credentials."""

    def __init__(self, transport: Transport, host: str, now: WallClock, random: Random) -> None:
        self._transport = transport
        self._url = f"{host if '://' in host else f'https://{host}'}/"
        self._now = now
        self._random = random

    def assume_role(self, signer: Credentials, role: RoleCall) -> Credentials:
        """Return session credentials of a role, asked for with the signer's."""
        document = self._call("AssumeRole", role.params(), signer, f"assuming the role {role.role_arn} failed")
        return _session(document, role)

    def assume_role_with_oidc(self, provider_arn: str, token: SecretBytes, role: RoleCall) -> Credentials:
        """Return session credentials of a role, asked for with an OIDC token. Not signed."""
        params = {**role.params(), "OIDCProviderArn": provider_arn, "OIDCToken": token.reveal_text()}
        return _session(self._call("AssumeRoleWithOIDC", params, None, f"assuming the role {role.role_arn} failed"), role)

    def get_caller_identity(self, signer: Credentials) -> CallerIdentity:
        """Return whose credentials these are."""
        document = self._call("GetCallerIdentity", {}, signer, "asking STS for the caller's identity failed")
        return CallerIdentity(*(str(document.get(name, "")) for name in ("AccountId", "Arn", "IdentityType")))

    def _call(self, action: str, params: Mapping[str, str], signer: Credentials | None, what: str) -> dict[str, Any]:
        form = {**params, "Action": action, "Version": API_VERSION, "Format": "JSON"}
        form["Timestamp"] = self._now().astimezone(UTC).strftime(TIME_FORMAT)
        form["SignatureNonce"] = self._random.token(16).hex()
        if signer is not None:
            _sign(form, signer)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            reply = self._transport.exchange("POST", self._url, headers, urlencode(form).encode())
        except TransportError as error:
            raise credentials_error(what, cause=transport_error(error)) from None
        return read_document(reply, what)


def _sign(form: dict[str, str], signer: Credentials) -> None:
    form |= {"AccessKeyId": signer.key_id.reveal_text(), "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0"}
    if signer.token is not None:
        form["SecurityToken"] = signer.token.reveal_text()
    form["Signature"] = rpc_signature(signer.secret.reveal(), method="POST", params=form.items())


def read_document(reply: Reply, what: str) -> dict[str, Any]:
    """Return the JSON object of a reply with status 200; raises BackendError of class credentials for everything else."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if reply.status == 200 and isinstance(document, dict):
        return document
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    denial = decode_denial(fields.get("AccessDeniedDetail"), fields.get("Message")) if reply.status in (401, 403) else None
    refusal = service_error(
        fields.get("Code"), reply.status, fields.get("RequestId"), retry_after_s=_retry_after(reply), denial=denial
    )
    if not isinstance(document, dict):
        refusal = BackendError("the answer is not JSON", status=reply.status)
    raise credentials_error(what, cause=refusal)


def session_credentials(fields: Any, what: str) -> Credentials:
    """Return the credentials of an STS or metadata answer; all four fields must be there."""
    values = [
        fields.get(name) if isinstance(fields, dict) else None for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    ]
    expiry = fields.get("Expiration") if isinstance(fields, dict) else None
    if (
        not all(isinstance(value, str) and value for value in values)
        or not isinstance(expiry, str)
        or not _TIME.fullmatch(expiry)
    ):
        raise credentials_error(f"{what}: the answer lacks a key, a token or an expiry time")
    key_id, secret, token = (SecretBytes.of_text(str(value)) for value in values)
    return Credentials(key_id, secret, token, _instant(expiry, what))


def _instant(text: str, what: str) -> datetime:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise credentials_error(f"{what}: the expiry time is no date") from None


def _session(document: Mapping[str, Any], role: RoleCall) -> Credentials:
    return session_credentials(document.get("Credentials"), f"assuming the role {role.role_arn} failed")


def _retry_after(reply: Reply) -> float | None:
    text = reply.headers.get("x-acs-retry-after", "")
    return int(text) / 1000 if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else None
