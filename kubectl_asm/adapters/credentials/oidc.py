"""OIDC tokens for AssumeRoleWithOIDC: from the file the kubelet rotates (T2), or requested for a ServiceAccount (T1).

Source: spec/auth.md 4.3, 4.4, 8.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from kubectl_asm.adapters.credentials.base import WallClock, credentials_error
from kubectl_asm.adapters.credentials.refresh import last_fifth
from kubectl_asm.errors import ClusterError, UnavailableError
from kubectl_asm.model.backend import BackendError, ErrorClass, Network
from kubectl_asm.model.sensitive import SecretBytes
from kubectl_asm.ports import TokenIssuer

FileReader = Callable[[str], bytes]
_ASSUMED_LIFE: Final = timedelta(hours=1)


def read_token_file(path: str, read_file: FileReader) -> SecretBytes:
    """Return the token in a file, without surrounding white space. Read at every renewal, because the file rotates."""
    try:
        token = read_file(path).strip()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "mount a projected ServiceAccount token, or use --controller-service-account outside the cluster"
        raise credentials_error(f"cannot read the token file {path}: {reason}", hint=hint) from None
    if not token:
        raise credentials_error(f"the token file {path} is empty")
    return SecretBytes(token)


class ServiceAccountToken:
    """The token of one ServiceAccount, with a life of its own. Used under the lock of its RefreshingCredentials."""

    def __init__(self, issuer: TokenIssuer, account: tuple[str, str], audiences: Iterable[str], now: WallClock) -> None:
        self._issuer = issuer
        self._namespace, self._name = account
        self._audiences = tuple(audiences)
        self._now = now
        self._token: SecretBytes | None = None
        self.due_at: datetime | None = None

    def get(self) -> SecretBytes:
        """Return the token, requested anew when it is due. Raises BackendError of class credentials."""
        if self._token is None or self.due_at is None or self._now() >= self.due_at:
            requested_at = self._now()
            text = self._request()
            self._token = SecretBytes.of_text(text)
            self.due_at = last_fifth(*token_life(text, requested_at))
        return self._token

    def _request(self) -> str:
        what = f"the token request for ServiceAccount {self._namespace}/{self._name} failed"
        try:
            text = self._issuer.issue(self._namespace, self._name, self._audiences)
        except ClusterError as error:
            raise _cluster_failure(what, error) from None
        if not text:
            raise credentials_error(f"{what}: the token is empty")
        return text


def _cluster_failure(what: str, error: ClusterError) -> BackendError:
    """Return a failed TokenRequest as a credentials error, transient where the API server was merely not there."""
    is_passing = isinstance(error, UnavailableError)
    return BackendError(
        f"{what}: {error.message}",
        status=error.status,
        network=Network.TIMEOUT if is_passing and not error.status else None,
        error_class=ErrorClass.CREDENTIALS,
        hint=error.hint,
        permanent=not is_passing,
    )


def token_life(token: str, requested_at: datetime) -> tuple[datetime, datetime]:
    """Return (issued, expires) of a JWT, unverified; what cannot be read is the time of the request, and one hour."""
    claims = _claims(token)
    issued = _instant(claims.get("iat")) or requested_at
    expires = _instant(claims.get("exp"))
    if expires is None or expires <= issued:
        return requested_at, requested_at + _ASSUMED_LIFE
    return issued, expires


def _claims(token: str) -> dict[str, Any]:
    try:
        payload = token.split(".")[1].encode("ascii")
        claims = json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _instant(value: Any) -> datetime | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and 0 < value < 2**40
    try:
        return datetime.fromtimestamp(value, UTC) if is_number else None
    except (ValueError, OverflowError, OSError):
        return None
