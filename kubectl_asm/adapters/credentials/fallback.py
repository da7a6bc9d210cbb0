"""The one way from the ServiceAccount tier to another: the old rule that a refused token leaves the tier out.

Only built where the engine decided on a fallback (--sa-auth-fallback=chain).
Source: spec/auth.md 3, 4.3.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from kubectl_asm.adapters.credentials.base import CredentialProvider, Credentials
from kubectl_asm.adapters.credentials.oidc import ServiceAccountToken
from kubectl_asm.model.backend import BackendError


class FirstTokenDecides:
    """A CredentialProvider: with a first token it is `preferred` for good, without one what `otherwise` builds.

    A later failure of the token or of STS never changes the choice. otherwise: may raise BackendError, and is asked again then.
    """

    def __init__(
        self, token: ServiceAccountToken, preferred: CredentialProvider, otherwise: Callable[[], CredentialProvider]
    ) -> None:
        self._token = token
        self._preferred = preferred
        self._otherwise = otherwise
        self._lock = threading.Lock()
        self._chosen: CredentialProvider | None = None

    def credentials(self) -> Credentials:
        """Return the credentials of the chosen tier; raises what it raises."""
        with self._lock:
            if self._chosen is None:
                self._chosen = self._choose()
        return self._chosen.credentials()

    def _choose(self) -> CredentialProvider:
        try:
            self._token.get()
        except BackendError:
            return self._otherwise()
        return self._preferred
