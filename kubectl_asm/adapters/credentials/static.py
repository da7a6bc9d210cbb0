"""A long-term AccessKey (tier T4), also the base of AssumeRole. Source: spec/auth.md 3."""

from __future__ import annotations

from kubectl_asm.adapters.credentials.base import Credentials
from kubectl_asm.model.backend import AccessKeyPair


class StaticCredentials:
    """A CredentialProvider that always gives the same pair."""

    def __init__(self, key: AccessKeyPair) -> None:
        self._credentials = Credentials(key.key_id, key.secret)

    def credentials(self) -> Credentials:
        """Return the pair."""
        return self._credentials
