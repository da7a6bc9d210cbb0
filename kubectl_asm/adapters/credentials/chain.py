"""From the identity that the engine decided to an object that has its credentials: one tier, and the hop on top of it.

Which tier applies, and that there is no falling through to another, is decided in the engine; nothing is tried here.
Source: spec/auth.md 3, 5, 8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kubectl_asm.adapters.cloud.transport import Transport
from kubectl_asm.adapters.credentials.base import CredentialProvider, Credentials, WallClock, credentials_error
from kubectl_asm.adapters.credentials.fallback import FirstTokenDecides
from kubectl_asm.adapters.credentials.metadata import MetadataClient, MetadataOptions
from kubectl_asm.adapters.credentials.oidc import FileReader, ServiceAccountToken, read_token_file
from kubectl_asm.adapters.credentials.refresh import ROLE_WINDOW, RefreshingCredentials, before_end, last_fifth
from kubectl_asm.adapters.credentials.static import StaticCredentials
from kubectl_asm.adapters.credentials.sts import CallerIdentity, RoleCall, StsClient
from kubectl_asm.errors import BugError
from kubectl_asm.model.backend import BackendError, ClientPlan, Identity, Refusal, Tier
from kubectl_asm.ports import Random, TokenIssuer

DEFAULT_AUDIENCE: Final = "sts.aliyuncs.com"


def _read_file(path: str) -> bytes:
    return Path(path).read_bytes()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the tiers need of the world. transport: with the system's trust store. tokens: None without a cluster.

    metadata_transport: for instance metadata, which answers at once or never; None: the same one.
    controller_account: (namespace, name) of the ServiceAccount whose token is requested instead of reading a token file.
    spare_account: the same, but only where there is no token file.
    local: builds the credentials of the local source that was asked for (local.py).
    """

    transport: Transport
    sts_host: str
    now: WallClock
    random: Random
    tokens: TokenIssuer | None = None
    read_file: FileReader = _read_file
    metadata: MetadataOptions = field(default_factory=MetadataOptions)
    metadata_transport: Transport | None = None
    controller_account: tuple[str, str] | None = None
    spare_account: tuple[str, str] | None = None
    local: Callable[[StsClient], CredentialProvider] | None = None


class CredentialChain:
    """Builds credential providers; router.CloudRouter keeps them. provider_for is its ProviderFactory."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._world = surroundings
        self._sts = StsClient(surroundings.transport, surroundings.sts_host, surroundings.now, surroundings.random)
        metadata = MetadataClient(surroundings.metadata_transport or surroundings.transport, surroundings.metadata)
        self._machine = metadata.provider(surroundings.now, surroundings.random)
        self._builders: dict[Tier, Callable[[Identity], CredentialProvider]] = {
            Tier.SERVICE_ACCOUNT: self._service_account,
            Tier.TOKEN_FILE: self._token_file,
            Tier.AK_ASSUME_ROLE: self._assume_role,
            Tier.AK: self._static,
            Tier.WORKER_ROLE: self._worker_role,
            Tier.LOCAL: self._local,
        }

    def provider_for(self, plan: ClientPlan) -> CredentialProvider:
        """Return the provider of a plan's identity. No call is made yet; its calls raise BackendError."""
        identity = plan.identity
        if identity is None:
            raise BugError(f"the client {plan.name} has neither an identity nor a refusal")
        base = self._builders[identity.tier](identity)
        hop = identity.hop
        if hop is None:
            return base
        role = RoleCall(hop.role_arn, hop.session_name)
        return self._renewed(lambda: self._sts.assume_role(base.credentials(), role))

    def caller_identity(self, provider: CredentialProvider) -> CallerIdentity:
        """Ask STS whose credentials a provider gives."""
        return self._sts.get_caller_identity(provider.credentials())

    def _static(self, identity: Identity) -> CredentialProvider:
        if identity.key is None:
            raise BugError(f"the tier {identity.tier} has no AccessKey")
        return StaticCredentials(identity.key)

    def _assume_role(self, identity: Identity) -> CredentialProvider:
        base = self._static(identity)
        role = _role_of(identity)
        return self._renewed(lambda: self._sts.assume_role(base.credentials(), role))

    def _token_file(self, identity: Identity) -> CredentialProvider:
        role = _role_of(identity)
        account = self._world.controller_account or self._spare_account(identity.token_file)
        if account is not None:
            return self._by_token(account, (DEFAULT_AUDIENCE,), identity, role)

        def fetch() -> Credentials:
            token = read_token_file(identity.token_file, self._world.read_file)
            return self._sts.assume_role_with_oidc(identity.oidc_provider_arn, token, role)

        return self._renewed(fetch)

    def _spare_account(self, token_file: str) -> tuple[str, str] | None:
        """Return the account to ask for where a token file is not there at all: this is not the controller's machine."""
        if self._world.spare_account is None:
            return None
        try:
            self._world.read_file(token_file)
        except FileNotFoundError:
            return self._world.spare_account
        except OSError:
            return None
        return None

    def _service_account(self, identity: Identity) -> CredentialProvider:
        if identity.service_account is None:
            raise BugError(f"the tier {identity.tier} has no ServiceAccount")
        # The session length of a store is not read next to serviceAccountRef.
        role = RoleCall(identity.role_arn, identity.session_name)
        return self._by_token(identity.service_account, identity.audiences, identity, role)

    def _by_token(
        self, account: tuple[str, str], audiences: tuple[str, ...], identity: Identity, role: RoleCall
    ) -> CredentialProvider:
        """Return the provider that assumes a role with a token requested for a ServiceAccount."""
        if self._world.tokens is None:
            raise credentials_error("a ServiceAccount token needs a cluster, and none is used here")
        token = ServiceAccountToken(self._world.tokens, account, audiences, self._world.now)
        provider = RefreshingCredentials(
            lambda: self._sts.assume_role_with_oidc(identity.oidc_provider_arn, token.get(), role),
            # Either clock being due asks STS again; the token is requested anew only when its own is.
            lambda issued, expires: min(last_fifth(issued, expires), token.due_at or expires),
            self._world.now,
        )
        if identity.fallback is None:
            return provider
        return FirstTokenDecides(token, provider, self._fallback(identity.fallback))

    def _fallback(self, fallback: Identity | Refusal) -> Callable[[], CredentialProvider]:
        """Return the builder of what takes over. The hop is not part of it: it stands on top of both."""

        def build() -> CredentialProvider:
            if isinstance(fallback, Refusal):
                raise BackendError(fallback.reason, error_class=fallback.error_class, permanent=True)
            return self._builders[fallback.tier](fallback)

        return build

    def _worker_role(self, identity: Identity) -> CredentialProvider:  # noqa: ARG002  # the machine's, whatever the store
        return self._machine

    def _local(self, identity: Identity) -> CredentialProvider:  # noqa: ARG002  # the source was named when the chain was built
        if self._world.local is None:
            raise BugError("a local source was decided on and none was opened")
        return self._world.local(self._sts)

    def _renewed(self, fetch: Callable[[], Credentials]) -> CredentialProvider:
        return RefreshingCredentials(fetch, before_end(ROLE_WINDOW, self._world.random), self._world.now)


def _role_of(identity: Identity) -> RoleCall:
    return RoleCall(identity.role_arn, identity.session_name, identity.duration_s)
