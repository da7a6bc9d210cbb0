"""What a credential is and who provides one. Providers raise BackendError of class `credentials` and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubectl_asm.model.backend import BackendError, ErrorClass
from kubectl_asm.model.sensitive import SecretBytes

WallClock = Callable[[], datetime]
"""Returns the present instant, aware, in UTC. Expiry times of the cloud are wall time; waiting is never done by it."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair and, with temporary ones, a token and the instant (aware, UTC) from which the service refuses them."""

    key_id: SecretBytes
    secret: SecretBytes
    token: SecretBytes | None = None
    expires_at: datetime | None = None


class CredentialProvider(Protocol):
    """Gives credentials that are good now. Safe to share between threads."""

    def credentials(self) -> Credentials:
        """Return credentials; raises BackendError of class credentials, ShutdownError."""


def credentials_error(message: str, *, cause: BackendError | None = None, hint: str | None = None) -> BackendError:
    """Return the error of an identity's own call: our sentence, with code, status and network word of its cause."""
    if cause is None:
        return BackendError(message, error_class=ErrorClass.CREDENTIALS, hint=hint, permanent=True)
    return BackendError(
        f"{message}: {cause.message}" if cause.message else message,
        code=cause.code,
        status=cause.status,
        network=cause.network,
        request_id=cause.request_id,
        retry_after_s=cause.retry_after_s,
        error_class=ErrorClass.CREDENTIALS,
        hint=hint or cause.hint,
        denial=cause.denial,
    )
